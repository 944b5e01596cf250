/**
 * The outside world behind interfaces: clocks, timers, sockets, HTTP, files, signals, randomness. In: requests to the
 * world. Out: plain values and thrown `Failure`s. Must not know exchanges, journals or events. `Deno.` globals and `ws`
 * are named here and nowhere else.
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
