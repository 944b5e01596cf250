import type { JournalRecord, Micros, Offset, OpenedRecord, SessionId } from "../model/mod.ts";

/** A session without a `closed` record. */
export interface OpenSession {
  readonly session: SessionId;
  readonly record: OpenedRecord;
  /** Receive time of its last frame; if it had none, when it was opened. */
  readonly lastTs: Micros;
}

interface Entry {
  readonly session: SessionId;
  readonly record: OpenedRecord;
  lastTs: Micros;
}

/** Tracks open sessions by the records of a journal. */
export class OpenSessions {
  readonly #entries = new Map<SessionId, Entry>();
  /** Cache of the last frame's session, because frames come in runs. */
  #last: Entry | null = null;

  /** Restores the list of a checkpoint. */
  restore(sessions: readonly OpenSession[]): void {
    this.#entries.clear();
    this.#last = null;
    for (const session of sessions) this.#entries.set(session.session, { ...session });
  }

  /** Follows the next record, at `offset`. */
  follow(offset: Offset, record: JournalRecord): void {
    switch (record.kind) {
      case "frame":
        this.#touch(record.session, record.at);
        return;
      case "opened":
        this.#entries.set(offset, { session: offset, record, lastTs: record.at });
        return;
      case "closed":
        this.#entries.delete(record.session);
        this.#last = null;
        return;
    }
  }

  /** Returns the open sessions in the order of opening. */
  list(): readonly OpenSession[] {
    return [...this.#entries.values()].map((entry) => ({ ...entry }));
  }

  #touch(session: SessionId, at: Micros): void {
    const last = this.#last;
    if (last !== null && last.session === session) {
      last.lastTs = at;
      return;
    }
    const entry = this.#entries.get(session);
    if (entry === undefined) return;
    entry.lastTs = at;
    this.#last = entry;
  }
}
