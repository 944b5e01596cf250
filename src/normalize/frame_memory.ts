import { type Alias, type AliasEntries, AliasTable } from "./aliases.ts";
import { FirstFrames } from "./first_frames.ts";
import { type InstrumentEntries, KnownInstruments } from "./known_instruments.ts";
import { type LevelIdEntries, LevelIds } from "./level_ids.ts";
import { type MergeEntries, Merges } from "./merges.ts";
import { UnmappedSymbols } from "./symbols.ts";

/** Key of the session's address among the aliases: no exchange's id contains this character. */
const ADDRESS = "\u0000";

/** The parts of a frame memory, each a list of entries that are plain JSON. */
export type FrameMemoryPart = "aliases" | "merges" | "levelIds" | "firstFrames" | "unmapped" | "instruments";

/** The state that reading frames keeps from one frame to the next. Lives as long as the session. */
export class FrameMemory {
  readonly aliases = new AliasTable();
  readonly merges = new Merges();
  readonly levelIds = new LevelIds();
  readonly firstFrames = new FirstFrames();
  readonly unmapped = new UnmappedSymbols();
  /** Instruments of lists; used only by the memory of answers that belong to no session. */
  readonly instruments = new KnownInstruments();

  /** The alias read from the session's address; null if there is none. */
  get address(): Alias | null {
    return this.aliases.find(ADDRESS);
  }

  /** Sets the alias read from the session's address. */
  openedAt(address: Alias | null): void {
    if (address !== null) this.aliases.set(ADDRESS, address);
  }

  /** Yields the entries of each part that has any. */
  *parts(): Iterable<readonly [FrameMemoryPart, readonly unknown[]]> {
    const all = [
      ["aliases", this.aliases.entries()],
      ["merges", this.merges.entries()],
      ["levelIds", this.levelIds.entries()],
      ["firstFrames", this.firstFrames.entries()],
      ["unmapped", this.unmapped.entries()],
      ["instruments", this.instruments.entries()],
    ] as const;
    for (const [part, entries] of all) if (entries.length > 0) yield [part, entries];
  }

  /** Restores entries of a part, as yielded by `parts`. */
  restore(part: FrameMemoryPart, entries: readonly unknown[]): void {
    switch (part) {
      case "aliases":
        return this.aliases.restore(entries as AliasEntries);
      case "merges":
        return this.merges.restore(entries as MergeEntries);
      case "levelIds":
        return this.levelIds.restore(entries as LevelIdEntries);
      case "firstFrames":
        return this.firstFrames.restore(entries as readonly string[]);
      case "unmapped":
        return this.unmapped.restore(entries as readonly string[]);
      case "instruments":
        return this.instruments.restore(entries as InstrumentEntries);
    }
  }
}
