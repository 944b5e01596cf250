/**
 * What a running collector shows over HTTP: health, metrics, and the resources of /api/v1 with their OpenAPI document. In:
 * facts that are taken anew for each request. Out: answers to those who may ask. Must not know how anything is collected,
 * and must never make it wait.
 */
export type { LiveFacts } from "./facts.ts";
export { GapBoard } from "./gap_board.ts";
export { LiveFeed } from "./live/feed.ts";
export { type ApiServerOptions, serveApi } from "./server.ts";
