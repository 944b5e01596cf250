/** What failed outside the program; a closed set that code may switch on. */
export type FailureCode =
  | "connect"
  | "tls"
  | "timeout"
  | "closed"
  | "http_status"
  | "file"
  | "disk_full"
  | "corrupt"
  | "sink"
  | "gone"
  | "busy"
  | "cancelled";

/** The world failed: a file, a socket, a disk, a peer. `retry` says whether trying again can help. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly code: FailureCode;
  readonly retry: boolean;
  /** HTTP status, or close code of a WebSocket, where there is one. */
  readonly status: number | null;
  /** Milliseconds that the peer asked to wait (`Retry-After`), where it did. */
  readonly retryAfterMs: number | null;

  constructor(
    code: FailureCode,
    message: string,
    options: { cause?: unknown; retry?: boolean; status?: number; retryAfterMs?: number } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retry = options.retry ?? true;
    this.status = options.status ?? null;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }
}

/** Ends a `switch` over a closed union: reaching it is a bug. */
export function unreachable(value: never): never {
  throw new Error(`Unreachable case: ${JSON.stringify(value)}`);
}
