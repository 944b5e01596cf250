import { Failure, type Offset } from "../../model/mod.ts";

/** Position of a journal's sink in a bucket. */
export interface Position {
  /** Everything before this offset is safe in objects. */
  readonly next: Offset;
  /** End of the objects being written, which begin at `next`; null if none are. */
  readonly pending: Offset | null;
  /** Number of openings of the sink; distinguishes a process from an earlier one. */
  readonly epoch: number;
}

/** Returns the position as text of an object. */
export function positionText(position: Position, owner: Readonly<Record<string, string | null>>): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ format: 1, ...owner, ...position })}\n`);
}

/** Parses the text of an object. Throws a `Failure` without retry if it is no position. */
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
