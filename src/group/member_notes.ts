import { Failure, type Micros, type Observer } from "../model/mod.ts";
import type { ShareStart } from "./decide.ts";
import type { GroupEngine } from "./engine.ts";
import { entryKey } from "./entry.ts";
import { decodeNote, encodeNote, type MemberNote, type NotedStream } from "./note.ts";

/** A share to start collecting, with the last note of its former collector. */
export interface TakenStart extends ShareStart {
  readonly last: readonly NotedStream[];
}

export interface MemberNotesOptions {
  readonly member: string;
  /** Id of its journal. */
  readonly journal: string;
  /**
   * Resolves with the last events of this collector's streams, once they are safe in its journal. Rejects with a
   * `Failure` if they cannot be made safe.
   */
  readonly lastSeen: () => Promise<Omit<MemberNote, "journal">>;
  readonly observe: Observer;
}

/** Writes a member's note to the engine, beside its entry, and reads the notes of members whose shares it takes. */
export class MemberNotes {
  readonly #options: MemberNotesOptions;
  /** Last note of another journal under this name. */
  #previous: MemberNote | null = null;
  /** The note to write next; null if there is none. */
  #text: string | null = null;
  #preparing: Promise<void> | null = null;

  constructor(options: MemberNotesOptions) {
    this.#options = options;
  }

  /**
   * Begins to prepare a note, unless one is being prepared. `until`: time from which on nothing may have been
   * collected; null if everything still is.
   */
  prepare(until: Micros | null = null): void {
    this.#preparing ??= this.#prepare(until).finally(() => this.#preparing = null);
  }

  /** Writes the prepared note, if there is one. Reports an engine that refuses it; the lease does not depend on notes. */
  async write(engine: GroupEngine): Promise<void> {
    const text = this.#text;
    if (text === null) return;
    this.#text = null;
    try {
      await engine.putNote(entryKey(this.#options.member), text);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#options.observe({ kind: "group_note_failed", error: error.message });
    }
  }

  /** Reads the note of another journal under this name, before a note of this one replaces it. */
  async keepPrevious(engine: GroupEngine): Promise<void> {
    const text = await engine.note(entryKey(this.#options.member));
    const note = text === null ? null : decodeNote(text);
    if (note !== null && note.journal !== this.#options.journal) this.#previous = note;
  }

  /** Adds the notes of the former collectors to the shares that nobody collects. Never rejects with a `Failure`. */
  async addTo(start: readonly ShareStart[], engine: GroupEngine | null): Promise<readonly TakenStart[]> {
    const notes = new Map<string, MemberNote | null>();
    const taken: TakenStart[] = [];
    for (const one of start) {
      const { from, fromTs, journal } = one;
      let note: MemberNote | null = null;
      if (from !== null && fromTs !== null) {
        if (!notes.has(from)) notes.set(from, await this.#noteOf(from, engine));
        note = notes.get(from) ?? null;
      }
      if (note === null || fromTs === null || note.journal !== journal) taken.push({ ...one, last: [] });
      else taken.push({ ...one, fromTs: Math.min(fromTs, note.at), last: note.last });
    }
    return taken;
  }

  /** Waits for a note that is being prepared. */
  async settled(): Promise<void> {
    await this.#preparing;
  }

  async #prepare(until: Micros | null): Promise<void> {
    const { journal, lastSeen } = this.#options;
    try {
      const { at, last } = await lastSeen();
      this.#text = encodeNote({ journal, at: until ?? at, last });
    } catch (error) {
      // If the journal cannot be synced, the note stays old; the lease does not depend on it.
      if (!(error instanceof Failure)) throw error;
    }
  }

  async #noteOf(member: string, engine: GroupEngine | null): Promise<MemberNote | null> {
    if (member === this.#options.member) return this.#previous;
    try {
      const text = await engine?.note(entryKey(member)) ?? null;
      return text === null ? null : decodeNote(text);
    } catch (error) {
      // Without the note the gap begins at the time of the member's entry.
      if (!(error instanceof Failure)) throw error;
      return null;
    }
  }
}
