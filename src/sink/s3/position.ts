import { Failure, type Offset } from "../../model/mod.ts";

/** Where a sink of a journal stands in a bucket. */
export interface Position {
  /** Everything before it is in objects for good. */
  readonly next: Offset;
  /** Up to where the objects go that are being written, from `next` on; null if none are. */
  readonly pending: Offset | null;
  /** How often the sink was opened: tells one process from an earlier one. */
  readonly epoch: number;
}

/** Returns the position as text of an object. */
export function positionText(position: Position, owner: Readonly<Record<string, string | null>>): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ format: 1, ...owner, ...position })}\n`);
}

/** Reads the text of an object. Throws a `Failure` that a person has to see to where it is none. */
export function parsePosition(bytes: Uint8Array, key: string): Position {
  let read: unknown = null;
  try {
    read = JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // Told below, like any other text that is no position.
  }
  const { format, next, pending, epoch } = (read ?? {}) as Readonly<Record<string, unknown>>;
  if (format === 1 && isOffset(next) && (pending === null || isOffset(pending)) && isOffset(epoch)) {
    return { next, pending, epoch };
  }
  throw new Failure("corrupt", `Cannot go on: object ${key} holds no position of this version`, { retry: false });
}

function isOffset(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
