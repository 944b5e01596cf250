import { type CloseCause, Failure } from "../model/mod.ts";

/** How a socket ended. */
export interface SocketEnd {
  readonly cause: CloseCause;
  readonly reason: string;
  readonly livedMs: number;
  /** Whether all its requests had been answered. */
  readonly settled: boolean;
  /** Tells the sink of the end, which it has not taken yet; null where it has. Throws what the sink throws. */
  readonly owed: (() => void) | null;
}

/** What a thrown thing says of the end of a socket: the journal takes nothing, or a part of the program is wrong. */
export function causeOf(error: unknown): CloseCause {
  return error instanceof Failure ? "journal_busy" : "error";
}

/** What a thrown thing says of the end of a socket or a session. May hold secrets. */
export function messageOf(error: unknown): string {
  if (error instanceof Failure) return error.message;
  return `bug: ${error instanceof Error ? `${error.name}: ${error.message}` : String(error)}`;
}

/** Tells the sink of an end; false where it has to be told again. A bug is not repeated: it would be the same one. */
export function isTold(tell: () => void): boolean {
  try {
    tell();
    return true;
  } catch (error) {
    return !(error instanceof Failure);
  }
}
