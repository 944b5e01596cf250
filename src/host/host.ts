import type { ClockStep, Micros, Secret, Secrets } from "../model/mod.ts";

/** A running timer; `cancel` may be called any number of times. */
export interface Timer {
  cancel(): void;
}

/** Time. Tests put a simulated one in its place. */
export interface Clock {
  /** Wall clock in microseconds; may jump. */
  nowMicros(): Micros;
  /**
   * Calls back when the wall clock was set, while the first time after it is being read: the callee must not throw, nor
   * read the time. Absent where the clock is never set.
   */
  onStep?(call: (step: ClockStep) => void): void;
  /** Wall clock in ms. */
  nowMs(): number;
  /** Never goes back; for durations, in ms with fraction. */
  monotonicMs(): number;
  /** Calls back once after `ms`. */
  after(ms: number, call: () => void): Timer;
  /** Resolves after `ms`, or at once when the signal aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Resolves in a later turn of the loop, so that sockets are read in the middle of long work. Absent: there is no loop. */
  turn?(): Promise<void>;
}

/**
 * What a socket tells its owner. Each is called in the socket's own callback, before anything else is done, and none
 * before the owner has the connection in hand.
 */
export interface ConnectionCallbacks {
  /** `receivedTs` is taken first thing. The payload belongs to the callee. */
  onFrame(payload: Uint8Array, binary: boolean, receivedTs: Micros): void;
  onPing(receivedTs: Micros): void;
  onPong(receivedTs: Micros): void;
  /** Called exactly once, last. `code` is null where the connection broke without a close frame. */
  onClose(code: number | null, reason: string): void;
}

/** An open WebSocket. */
export interface Connection {
  /** Queues a text frame. After close it does nothing. */
  send(text: string): void;
  ping(): void;
  /** Starts the closing handshake; the connection is cut if the peer does not answer within a second. */
  close(code: number, reason: string): void;
  /** Stops and goes on reading, so that a slow consumer pushes back on the peer. */
  pause(): void;
  resume(): void;
}

export interface DialOptions {
  readonly url: string;
  /** Secrets are revealed as they are sent. */
  readonly headers: Readonly<Record<string, string | Secret>>;
  /** HTTP proxy that is asked to connect; absent: the host is dialled directly. */
  readonly proxy?: string | Secret;
  /** Subprotocols that are offered; the host has to choose one of them. */
  readonly subprotocols?: readonly string[];
  /** Offer permessage-deflate. */
  readonly compression: boolean;
  readonly caCertPath: string | null;
  readonly timeoutMs: number;
  readonly frameBytesMax: number;
}

/** Opens WebSockets. Rejects with a `Failure` (`connect`, `tls`, `timeout`, `http_status` with status and retryAfterMs). */
export interface Dialer {
  dial(options: DialOptions, callbacks: ConnectionCallbacks, signal?: AbortSignal): Promise<Connection>;
}

export interface FetchRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  readonly url: string;
  /** Secrets are revealed as they are sent. */
  readonly headers: Readonly<Record<string, string | Secret>>;
  readonly body: string | Uint8Array | null;
  /** PEM files with authorities that are trusted beside the platform's own. */
  readonly caCertPaths: readonly string[];
  /** HTTP proxy; absent: what the environment says (`HTTPS_PROXY`), else the host is asked directly. */
  readonly proxy?: string | Secret;
  /** For the whole answer, body included. */
  readonly timeoutMs: number;
  /** Largest body; a larger one is a failure. */
  readonly bytesMax: number;
}

/** An answer of any status; `retryAfterMs` from `Retry-After` (seconds or HTTP date, RFC 9110 section 10.2.3). */
export interface FetchResponse {
  readonly status: number;
  readonly body: Uint8Array;
  readonly receivedTs: Micros;
  readonly retryAfterMs: number | null;
  /** `ETag` as it came; null or absent where there is none. */
  readonly etag?: string | null;
  /** The server's clock by its `Date` (RFC 9110 section 6.6.1), in ms, whole seconds; null or absent where it tells none. */
  readonly dateMs?: number | null;
}

/**
 * HTTP. Rejects with a `Failure` where there was no answer: `connect`, `tls`, `timeout` or `cancelled`, with the cause in
 * its message. Redirects to another origin are refused.
 */
export interface Fetcher {
  fetch(request: FetchRequest, signal?: AbortSignal): Promise<FetchResponse>;
}

export interface FileStat {
  readonly bytes: number;
  readonly isDirectory: boolean;
  readonly modifiedMs: number;
  /** Tells files of one file system apart, also over renames; null where it has no such number. */
  readonly inode: number | null;
}

/** An open file, for appending and positional reading. */
export interface FileHandle {
  write(bytes: Uint8Array): Promise<void>;
  /** Reads up to `length` bytes at `position`; fewer at the end of the file. */
  readAt(position: number, length: number): Promise<Uint8Array>;
  /** Resolves when what was written survives a power cut (fdatasync). */
  sync(): Promise<void>;
  truncate(bytes: number): Promise<void>;
  /** Whether the path it was opened by still names this file: an open file outlives its removal and its renaming. */
  isCurrent(): Promise<boolean>;
  close(): Promise<void>;
}

/** A lock on a file for the life of the process. */
export interface FileLock {
  /** Whether the path still names the locked file: where not, another process may take it. */
  isCurrent(): Promise<boolean>;
  release(): Promise<void>;
}

/** Files. Rejects with a `Failure` of code `file` or `disk_full`; a missing file is null where said. */
export interface Files {
  open(path: string, mode: "read" | "append"): Promise<FileHandle>;
  readBytes(path: string): Promise<Uint8Array | null>;
  readText(path: string): Promise<string | null>;
  /** Writes a temporary file beside, from one or several pieces, syncs it, renames it over `path`, syncs the folder. */
  writeAtomic(path: string, bytes: Uint8Array | readonly Uint8Array[]): Promise<void>;
  list(dir: string): Promise<readonly { readonly name: string; readonly isDirectory: boolean }[] | null>;
  stat(path: string): Promise<FileStat | null>;
  makeDir(path: string): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** A missing file is no error. */
  remove(path: string): Promise<void>;
  removeTree(path: string): Promise<void>;
  syncDir(path: string): Promise<void>;
  makeTempDir(prefix: string): Promise<string>;
  /** Space of the file system that holds a path, in bytes; null where the platform does not tell. */
  space(path: string): Promise<{ readonly freeBytes: number; readonly totalBytes: number } | null>;
  /** Takes an exclusive lock on a file for the life of the process; rejects with `busy` where another holds it. */
  lock(path: string): Promise<FileLock>;
  /**
   * The path without symbolic links and without `.` and `..`, of what exists of it; the rest as it is. Two spellings of
   * one folder give the same text.
   */
  realPathSync(path: string): string;
  /**
   * Synchronous read, for configuration that is loaded by pure code; null where it is missing. A folder, a device and
   * what is too large are refused, and a pipe where `pipe` does not allow it: reading one waits for its writer.
   */
  readTextSync(path: string, options?: { readonly pipe?: boolean }): string | null;
  /** Names of what is in a folder, in order; none where it is missing. Synchronous, for configuration alone. */
  namesSync(dir: string): readonly string[];
}

/** SIGINT, SIGTERM, SIGHUP by `Deno.addSignalListener`. */
export interface Signals {
  on(signal: "SIGINT" | "SIGTERM" | "SIGHUP", call: () => void): void;
  off(signal: "SIGINT" | "SIGTERM" | "SIGHUP", call: () => void): void;
}

/** Compression that does not hold up the loop. */
export interface Compressor {
  /** One zstd frame (RFC 8878); the parameters are those of the library (`ZSTD_c_…`). */
  zstd(bytes: Uint8Array, params: Readonly<Record<number, number>>): Promise<Uint8Array>;
}

/** Randomness. */
export interface Random {
  /** In [0, 1). */
  next(): number;
  uuid(): string;
}

export interface Environment {
  get(name: string): string | undefined;
}

/** Standard streams. */
export interface Terminal {
  readonly stdinIsTerminal: boolean;
  readonly stdoutIsTerminal: boolean;
  readonly stderrIsTerminal: boolean;
  columns(): number;
  /** Standard input as it comes; it can be read once. */
  stdin(): AsyncIterable<Uint8Array>;
  /** All of standard input; rejects with a `Failure` where it is larger than `bytesMax`. */
  readStdin(bytesMax: number): Promise<Uint8Array>;
  /** Asks on standard output and resolves with the line that is typed; null where there is no more input. */
  ask(question: string): Promise<string | null>;
  /** Writes all of it. Rejects with a `Failure`: `gone` when the reader has gone, `disk_full` or `file` otherwise. */
  writeStdout(bytes: Uint8Array): Promise<void>;
  /** Writes the text and a line break in the background, in order with `writeStdout`. */
  print(text: string): void;
  /** The same on standard error; left out and counted where its reader does not keep up. */
  printError(text: string): void;
  /** Texts for standard error that were left out so far. */
  readonly errorLinesDropped: number;
  /** Resolves when what was printed on standard error is written, or after a second. */
  flushErrors(): Promise<void>;
  /**
   * Resolves when what was printed is written, or its reader has gone. Rejects with a `Failure` where it cannot be
   * written, such as `disk_full`.
   */
  flushPrinted(): Promise<void>;
}

/** A WebSocket that an HTTP request became. */
export interface HttpSocket {
  /** Sends a text; nothing where it is closing. */
  send(text: string): void;
  /** Bytes that were to be sent and have not left. */
  readonly bufferedBytes: number;
  close(code: number, reason: string): void;
}

/** What a server's WebSocket tells; `closed` once, whichever side ended it. */
export interface HttpSocketCallbacks {
  open(): void;
  message(message: string | ArrayBuffer): void;
  closed(): void;
}

/** What a handler may do with a request beside answering it. */
export interface HttpCall {
  /** Makes a WebSocket of the request; `response` is then its answer. Null where the request asks for none. */
  upgrade(callbacks: HttpSocketCallbacks): { readonly response: Response; readonly socket: HttpSocket } | null;
}

/** A request's handler. */
export type HttpAnswer = (request: Request, call: HttpCall) => Response | Promise<Response>;

/** Where and how HTTP is served. */
export interface HttpOptions {
  readonly host: string;
  readonly port: number;
  /** PEM files of the certificate and its key; absent or null: plain HTTP. */
  readonly tls?: { readonly certPath: string; readonly keyPath: string } | null;
  /** Connections kept at once. Default: `HTTP_CONNECTIONS_MAX`. */
  readonly clientsMax?: number;
}

/** A running HTTP server. */
export interface HttpServer {
  readonly host: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** A running WebSocket server with plain HTTP beside it, for the simulator. */
export interface SocketServer {
  readonly port: number;
  stop(): Promise<void>;
}

/** Listens: `Deno.serve` for HTTP, `ws` for sockets. Port 0 takes a free one. */
export interface Listener {
  serveHttp(options: HttpOptions, answer: HttpAnswer): Promise<HttpServer>;
  serveSockets(
    options: {
      readonly host: string;
      readonly port: number;
      /** Answers plain HTTP requests on the same port. */
      readonly answer: (request: Request) => Response | Promise<Response>;
      /** Called for each WebSocket; returns its callbacks. `url` is path and query. */
      readonly accept: (
        connection: Connection & { sendBinary(bytes: Uint8Array): void; terminate(): void },
        url: string,
      ) => ConnectionCallbacks;
      /** Whether pings are answered by pongs; default true. */
      readonly answersPings?: boolean;
    },
  ): Promise<SocketServer>;
}

/** The service manager that started the process. */
export interface Supervisor {
  /** How often it wants to hear `WATCHDOG=1`, in ms; null: it does not watch. */
  readonly watchdogMs: number | null;
  /** Tells states, one a line: `READY=1`. Resolves with whether it was told; never rejects. */
  tell(lines: readonly string[]): Promise<boolean>;
  close(): void;
}

/** The outside world. */
export interface Host {
  /** Opens the way to the service manager; null where nothing supervises the process. */
  readonly supervisor?: () => Supervisor | null;
  readonly clock: Clock;
  readonly dialer: Dialer;
  readonly fetcher: Fetcher;
  readonly listener: Listener;
  readonly files: Files;
  readonly signals: Signals;
  readonly random: Random;
  /** Compresses off the loop's thread, by zstd. */
  readonly compressor: Compressor;
  readonly environment: Environment;
  /** Values that came from the environment: whatever leaves the program is searched for them. */
  readonly secrets: Secrets;
  readonly terminal: Terminal;
  /**
   * Calls back for every error and rejection that nobody caught, which would else end the process; returns what ends
   * that. Clients of servers may leave a socket without a listener while an error of it is under way.
   */
  onUncaught(call: (error: unknown) => void): () => void;
  /** Ends the process at once. */
  exit(code: number): never;
  readonly processId: number;
  /** Name of this machine, of letters, digits, `_`, `-` and `.`; `collector` where it does not tell. */
  machineName(): string;
  /** Whether the program is an executable of its own, with everything inside. */
  readonly isStandalone: boolean;
}
