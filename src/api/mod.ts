/**
 * What a running collector shows over HTTP: health, metrics, the resources of /api/v1 with their
 * OpenAPI document, events as they happen, and the page. In:
 * facts that are taken anew for each request. Out: answers to those who may ask. Must not know how anything is collected,
 * and must never make it wait.
 */
export type { LiveFacts } from "./facts.ts";
export { GapBoard } from "./gap_board.ts";
export { LiveFeed } from "./live/feed.ts";
export { LogTail } from "./page/log_tail.ts";
export { RateBoard } from "./page/rates.ts";
export { type ApiServerOptions, serveApi } from "./server.ts";
