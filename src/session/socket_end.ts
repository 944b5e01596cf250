import { type CloseCause, Failure } from "../model/mod.ts";

/** How a socket ended. */
export interface SocketEnd {
  readonly cause: CloseCause;
  readonly reason: string;
  readonly livedMs: number;
  /** Whether all its requests were answered. */
  readonly settled: boolean;
  /** Reports the end to the sink, if that failed before; null otherwise. Throws what the sink throws. */
  readonly owed: (() => void) | null;
}

/** Returns the close cause for a thrown value: the journal is busy, or there is a bug. */
export function causeOf(error: unknown): CloseCause {
  return error instanceof Failure ? "journal_busy" : "error";
}

/** Returns the close reason for a thrown value. May contain secrets. */
export function messageOf(error: unknown): string {
  if (error instanceof Failure) return error.message;
  return `bug: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
}

/**
 * Reports an end to the sink; false if it must be reported again. After a bug it is not, because the bug would recur.
 */
export function isTold(tell: () => void): boolean {
  try {
    tell();
    return true;
  } catch (error) {
    return !(error instanceof Failure);
  }
}
