import { LEVEL_IDS_MAX, type SessionId } from "../model/mod.ts";

/** Prices by level, session and stream, as plain JSON. */
export type LevelIdState = readonly (readonly [
  SessionId,
  readonly (readonly [string, readonly (readonly [string, string])[]])[],
])[];

/**
 * The price of each level that an exchange names by an id alone when it changes. An image of the book begins anew, and a
 * level that is gone is forgotten. Bounded: past LEVEL_IDS_MAX no further level is remembered.
 */
export class LevelIds {
  /** Session → native symbol → side and id → price. */
  readonly #sessions = new Map<SessionId, Map<string, Map<string, string>>>();
  #size = 0;

  /** An image of the stream's book begins. */
  reset(session: SessionId, native: string): void {
    const streams = this.#sessions.get(session) ?? new Map<string, Map<string, string>>();
    this.#sessions.set(session, streams);
    this.#size -= streams.get(native)?.size ?? 0;
    streams.set(native, new Map());
  }

  /** Whether an image of the stream's book was seen. */
  hasImage(session: SessionId, native: string): boolean {
    return this.#sessions.get(session)?.has(native) === true;
  }

  /** The price of a level; null where it is unknown. */
  find(session: SessionId, native: string, level: string): string | null {
    return this.#sessions.get(session)?.get(native)?.get(level) ?? null;
  }

  /** Remembers the price of a level of a book whose image was seen. */
  remember(session: SessionId, native: string, level: { readonly key: string; readonly price: string }): void {
    const levels = this.#sessions.get(session)?.get(native);
    if (levels === undefined) return;
    if (!levels.has(level.key)) {
      if (this.#size >= LEVEL_IDS_MAX) return;
      this.#size++;
    }
    levels.set(level.key, level.price);
  }

  /** A level is gone. */
  drop(session: SessionId, native: string, level: string): void {
    if (this.#sessions.get(session)?.get(native)?.delete(level) === true) this.#size--;
  }

  forget(session: SessionId): void {
    for (const levels of this.#sessions.get(session)?.values() ?? []) this.#size -= levels.size;
    this.#sessions.delete(session);
  }

  saveState(): LevelIdState {
    return [...this.#sessions].map(([session, streams]) =>
      [session, [...streams].map(([native, levels]) => [native, [...levels]] as const)] as const
    );
  }

  restoreState(state: LevelIdState): void {
    this.#sessions.clear();
    this.#size = 0;
    for (const [session, streams] of state) {
      this.#sessions.set(session, new Map(streams.map(([native, levels]) => [native, new Map(levels)])));
      for (const [, levels] of streams) this.#size += levels.length;
    }
  }
}
