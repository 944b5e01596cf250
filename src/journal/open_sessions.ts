import type { JournalRecord, Micros, Offset, OpenedRecord, SessionId } from "../model/mod.ts";

/** A session without a `closed` record. */
export interface OpenSession {
  readonly session: SessionId;
  readonly record: OpenedRecord;
  /** Receive time of its last frame; when it was opened, where it had none. */
  readonly lastTs: Micros;
}

interface Entry {
  readonly session: SessionId;
  readonly record: OpenedRecord;
  lastTs: Micros;
}

/** Follows the records of a journal and knows which sessions are open. */
export class OpenSessions {
  readonly #entries = new Map<SessionId, Entry>();
  /** The session of the last frame, as frames come in runs. */
  #last: Entry | null = null;

  /** Takes over the list that a checkpoint carries. */
  restore(sessions: readonly OpenSession[]): void {
    this.#entries.clear();
    this.#last = null;
    for (const session of sessions) this.#entries.set(session.session, { ...session });
  }

  /** Takes the next record; `offset` is where it stands. */
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

  /** The open sessions in the order in which they were opened. */
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
