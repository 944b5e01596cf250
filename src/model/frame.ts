import type { Micros } from "./micros.ts";

/**
 * A position in the journal: the ordinal of a record. A journal starts at the microsecond of its creation and counts
 * up by one a record, so offsets of a later journal never meet those of an earlier one. Always below 2^53.
 */
export type Offset = number;

/** Identifies a session within a journal: the offset of its `opened` record. */
export type SessionId = number;

/** One message off the wire, untouched. */
export interface Frame {
  readonly session: SessionId;
  /** Taken in the socket callback, before anything else is done with the message. */
  readonly receivedTs: Micros;
  /** The payload's bytes; for a text frame its UTF-8. */
  readonly payload: Uint8Array;
  /** Whether it came as a binary message. */
  readonly binary: boolean;
}
