/**
 * The outside world behind interfaces: clocks, timers, sockets, HTTP, files, signals, randomness. In: calls. Out: plain
 * values and thrown `Failure`s. Must not know exchanges, journals or events. Only this folder names `Deno.` globals and
 * `ws`.
 */
export type {
  Clock,
  Compressor,
  Connection,
  ConnectionCallbacks,
  Dialer,
  DialOptions,
  Environment,
  Fetcher,
  FetchRequest,
  FetchResponse,
  FileHandle,
  FileLock,
  Files,
  FileStat,
  Host,
  HttpAnswer,
  HttpCall,
  HttpOptions,
  HttpServer,
  HttpSocket,
  HttpSocketCallbacks,
  Listener,
  Random,
  Signals,
  SocketServer,
  Supervisor,
  Terminal,
  Timer,
} from "./host.ts";
export { denoHost } from "./deno_host.ts";
export { parseRetryAfter } from "./retry_after.ts";
