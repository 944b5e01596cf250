import { Failure, type Micros } from "../model/mod.ts";
import type { ShareStart } from "./decide.ts";
import type { GroupEngine } from "./engine.ts";
import { entryKey } from "./entry.ts";
import { decodeNote, encodeNote, type MemberNote, type NotedStream } from "./note.ts";

/** A share that is to be collected, with what the collector that had it noted last of its streams, and of others. */
export interface TakenStart extends ShareStart {
  readonly last: readonly NotedStream[];
}

export interface MemberNotesOptions {
  readonly member: string;
  /** Id of its journal. */
  readonly journal: string;
  /**
   * Resolves with what this collector has of its streams, when that is safe in its journal. Rejects with a `Failure` if
   * it cannot be made safe.
   */
  readonly lastSeen: () => Promise<Omit<MemberNote, "journal">>;
}

/** What a member notes on the engine beside its entry, and what it reads of those whose shares it takes over. */
export class MemberNotes {
  readonly #options: MemberNotesOptions;
  /** What the collector that had the own name before noted last. */
  #previous: MemberNote | null = null;
  /** What is to be written next; null if there is nothing new. */
  #text: string | null = null;
  #taking: Promise<void> | null = null;

  constructor(options: MemberNotesOptions) {
    this.#options = options;
  }

  /**
   * Begins to take a note, unless one is being taken: it is written when it is there. `until`: from then on nothing may
   * have been collected; null if all is collected still.
   */
  take(until: Micros | null = null): void {
    this.#taking ??= this.#take(until).finally(() => this.#taking = null);
  }

  /** Writes the note that was taken, if there is one. Rejects with a `Failure`. */
  async write(engine: GroupEngine): Promise<void> {
    const text = this.#text;
    if (text === null) return;
    this.#text = null;
    await engine.putNote(entryKey(this.#options.member), text);
  }

  /** Keeps what another journal noted under the own name, before a note of this one stands in its place. */
  async keepPrevious(engine: GroupEngine): Promise<void> {
    const text = await engine.note(entryKey(this.#options.member));
    const note = text === null ? null : decodeNote(text);
    if (note !== null && note.journal !== this.#options.journal) this.#previous = note;
  }

  /** Adds to shares that nobody had meanwhile what those who had them noted. Never rejects with a `Failure`. */
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

  /** Waits for a note that is being taken. */
  async settled(): Promise<void> {
    await this.#taking;
  }

  async #take(until: Micros | null): Promise<void> {
    const { journal, lastSeen } = this.#options;
    try {
      const { at, last } = await lastSeen();
      this.#text = encodeNote({ journal, at: until ?? at, last });
    } catch (error) {
      // A journal that cannot be synced now makes the note old, and the lease none the worse.
      if (!(error instanceof Failure)) throw error;
    }
  }

  async #noteOf(member: string, engine: GroupEngine | null): Promise<MemberNote | null> {
    if (member === this.#options.member) return this.#previous;
    try {
      const text = await engine?.note(entryKey(member)) ?? null;
      return text === null ? null : decodeNote(text);
    } catch (error) {
      // The hole is told all the same, from the last word of the member's entry on.
      if (!(error instanceof Failure)) throw error;
      return null;
    }
  }
}
