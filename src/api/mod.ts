/**
 * Serves a running collector over HTTP: health, metrics, the resources of /api/v1 with their OpenAPI document, live
 * events, replays, and the page. In: facts, read anew for each request. Out: responses. Must not know how anything is
 * collected, and must never make it wait.
 */
export type { LiveFacts } from "./facts.ts";
export { GapBoard } from "./gap_board.ts";
export { LiveFeed } from "./live/feed.ts";
export { LogTail } from "./page/log_tail.ts";
export { RateBoard } from "./page/rates.ts";
export { type ApiServerOptions, serveApi } from "./server.ts";
