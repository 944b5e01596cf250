import type { ClockStep, Micros, Secret, Secrets } from "../model/mod.ts";

/** A running timer; `cancel` may be called any number of times. */
export interface Timer {
  cancel(): void;
}

/** Clocks and timers. Tests use simulated ones. */
export interface Clock {
  /** Wall clock in microseconds; may jump. */
  nowMicros(): Micros;
  /**
   * Registers a callback for steps of the wall clock. It is called during the first reading after a step, and must
   * neither throw nor read the time. Absent if the clock never steps.
   */
  onStep?(call: (step: ClockStep) => void): void;
  /** Wall clock in ms. */
  nowMs(): number;
  /** Monotonic time for durations, in ms with fraction. */
  monotonicMs(): number;
  /** Calls back once after `ms`. */
  after(ms: number, call: () => void): Timer;
  /** Resolves after `ms`, or at once when the signal aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /**
   * Resolves in a later turn of the event loop, so that sockets are read during long work. Absent: there is no loop.
   */
  turn?(): Promise<void>;
}

/**
 * Callbacks of a socket. Each is called directly in the platform's callback, and none before the owner has the
 * connection.
 */
export interface ConnectionCallbacks {
  /** `receivedTs` is read before any other work. The payload belongs to the callee. */
  onFrame(payload: Uint8Array, binary: boolean, receivedTs: Micros): void;
  onPing(receivedTs: Micros): void;
  onPong(receivedTs: Micros): void;
  /** Called exactly once, last. `code` is null if the connection broke without a close frame. */
  onClose(code: number | null, reason: string): void;
}

/** An open WebSocket. */
export interface Connection {
  /** Queues a text frame. After close it does nothing. */
  send(text: string): void;
  ping(): void;
  /** Starts the closing handshake; the connection is cut if the peer does not answer within a second. */
  close(code: number, reason: string): void;
  /** Stops reading until `resume`, so that a slow consumer applies backpressure to the peer. */
  pause(): void;
  resume(): void;
}

export interface DialOptions {
  readonly url: string;
  /** Secrets are revealed as they are sent. */
  readonly headers: Readonly<Record<string, string | Secret>>;
  /** HTTP proxy. Absent: connects directly. */
  readonly proxy?: string | Secret;
  /** Offered subprotocols; the host must choose one of them. */
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
  /** PEM files with authorities that are trusted in addition to the platform's. */
  readonly caCertPaths: readonly string[];
  /** HTTP proxy. Absent: the environment's (`HTTPS_PROXY`), or none. */
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
  /** `ETag` as received; null or absent if there is none. */
  readonly etag?: string | null;
  /** The server's clock from `Date` (RFC 9110 section 6.6.1), in ms, whole seconds; null or absent if there is none. */
  readonly dateMs?: number | null;
}

/**
 * HTTP requests. Rejects with a `Failure` if there is no answer: `connect`, `tls`, `timeout` or `cancelled`, with the
 * cause in its message. Redirects to another origin are refused.
 */
export interface Fetcher {
  fetch(request: FetchRequest, signal?: AbortSignal): Promise<FetchResponse>;
}

export interface FileStat {
  readonly bytes: number;
  readonly isDirectory: boolean;
  readonly modifiedMs: number;
  /** Identifies a file within its file system, across renames; null if the file system has no such number. */
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
  /** Whether the path by which it was opened still names this file: an open file survives removal and renaming. */
  isCurrent(): Promise<boolean>;
  close(): Promise<void>;
}

/** A lock on a file for the life of the process. */
export interface FileLock {
  /** Whether the path still names the locked file. If not, another process may lock the path. */
  isCurrent(): Promise<boolean>;
  release(): Promise<void>;
}

/**
 * Files. Rejects with a `Failure` of code `file` or `disk_full`; results that may be null are null if the file is
 * missing.
 */
export interface Files {
  open(path: string, mode: "read" | "append"): Promise<FileHandle>;
  readBytes(path: string): Promise<Uint8Array | null>;
  readText(path: string): Promise<string | null>;
  /**
   * Writes a temporary file beside `path`, from one or several pieces, syncs it, renames it to `path`, and syncs the
   * folder.
   */
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
  /** Space of the file system of a path, in bytes; null if the platform does not tell. */
  space(path: string): Promise<{ readonly freeBytes: number; readonly totalBytes: number } | null>;
  /** Takes an exclusive lock on a file for the life of the process; rejects with `busy` if another process holds it. */
  lock(path: string): Promise<FileLock>;
  /**
   * Returns the path with symbolic links, `.` and `..` resolved as far as it exists; the rest stays. Two spellings of
   * one folder give the same text.
   */
  realPathSync(path: string): string;
  /**
   * Reads synchronously, for configuration that is loaded by pure code; null if the file is missing. Throws for a
   * folder, a device, a file that is too large, and a pipe unless `pipe` is set, because reading one waits for its
   * writer.
   */
  readTextSync(path: string, options?: { readonly pipe?: boolean }): string | null;
  /** Returns the sorted names in a folder; empty if it is missing. Synchronous, for configuration only. */
  namesSync(dir: string): readonly string[];
}

/** SIGINT, SIGTERM, SIGHUP by `Deno.addSignalListener`. */
export interface Signals {
  on(signal: "SIGINT" | "SIGTERM" | "SIGHUP", call: () => void): void;
  off(signal: "SIGINT" | "SIGTERM" | "SIGHUP", call: () => void): void;
}

/** Compression that does not block the event loop. */
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
  /** Standard input as a stream; can be read once. */
  stdin(): AsyncIterable<Uint8Array>;
  /** Reads all of standard input; rejects with a `Failure` if it is larger than `bytesMax`. */
  readStdin(bytesMax: number): Promise<Uint8Array>;
  /** Asks on standard output and resolves with the typed line; null if there is no more input. */
  ask(question: string): Promise<string | null>;
  /** Writes all of it. Rejects with a `Failure`: `gone` when the reader has gone, `disk_full` or `file` otherwise. */
  writeStdout(bytes: Uint8Array): Promise<void>;
  /** Writes the text and a line break in the background, in order with `writeStdout`. */
  print(text: string): void;
  /** The same on standard error; drops and counts texts if its reader does not keep up. */
  printError(text: string): void;
  /** Number of texts for standard error dropped so far. */
  readonly errorLinesDropped: number;
  /** Resolves when everything printed on standard error is written, or after a second. */
  flushErrors(): Promise<void>;
  /**
   * Resolves when everything printed is written, or its reader has gone. Rejects with a `Failure` if it cannot be
   * written, such as `disk_full`.
   */
  flushPrinted(): Promise<void>;
}

/** A WebSocket upgraded from an HTTP request. */
export interface HttpSocket {
  /** Sends a text; does nothing if it is closing. */
  send(text: string): void;
  /** Bytes queued but not sent. */
  readonly bufferedBytes: number;
  close(code: number, reason: string): void;
}

/** Callbacks of a server's WebSocket; `closed` is called once, whichever side ended it. */
export interface HttpSocketCallbacks {
  open(): void;
  message(message: string | ArrayBuffer): void;
  closed(): void;
}

/** What a handler may do with a request besides answering it. */
export interface HttpCall {
  /** Upgrades the request to a WebSocket; `response` is then its answer. Null if the request asks for no upgrade. */
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

/** A running WebSocket server that answers plain HTTP too, for the simulator. */
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
  /** How often it expects `WATCHDOG=1`, in ms; null: never. */
  readonly watchdogMs: number | null;
  /** Sends states, such as `READY=1`. Resolves with whether they were sent; never rejects. */
  tell(lines: readonly string[]): Promise<boolean>;
  close(): void;
}

/** The outside world. */
export interface Host {
  /** Connects to the service manager; returns null if nothing supervises the process. */
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
  /** Secret values from the environment, which are hidden in all outputs of the program. */
  readonly secrets: Secrets;
  readonly terminal: Terminal;
  /**
   * Calls back for every uncaught error and rejection, which would otherwise end the process; returns a function that
   * stops it. Client libraries may leave a socket without a listener while an error of it is pending.
   */
  onUncaught(call: (error: unknown) => void): () => void;
  /** Ends the process at once. */
  exit(code: number): never;
  readonly processId: number;
  /** Returns the name of this machine, of letters, digits, `_`, `-` and `.`; `collector` if it is unknown. */
  machineName(): string;
  /** Whether the program is a standalone executable. */
  readonly isStandalone: boolean;
}
