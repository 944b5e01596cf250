import type { Micros } from "./micros.ts";

/**
 * A position in the journal: the ordinal of a record. A journal starts at the microsecond of its creation and counts up
 * by one per record, so two journals never share an offset. Always below 2^53.
 */
export type Offset = number;

/** Identifies a session within a journal: the offset of its `opened` record. */
export type SessionId = number;

/** One message off the wire, untouched. */
export interface Frame {
  readonly session: SessionId;
  /** Read from the clock in the socket callback, before any other work on the message. */
  readonly receivedTs: Micros;
  /** The payload's bytes; for a text frame its UTF-8. */
  readonly payload: Uint8Array;
  /** Whether it came as a binary message. */
  readonly binary: boolean;
}
