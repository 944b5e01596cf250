import { type Alias, type AliasEntries, AliasTable } from "./aliases.ts";
import { FirstFrames } from "./first_frames.ts";
import { type InstrumentEntries, KnownInstruments } from "./known_instruments.ts";
import { type LevelIdEntries, LevelIds } from "./level_ids.ts";
import { type MergeEntries, Merges } from "./merges.ts";
import { UnmappedSymbols } from "./symbols.ts";

/** Stands for the session itself among the ids that have a meaning: no id of an exchange holds this character. */
const ADDRESS = "\u0000";

/** The parts of a frame memory, each a list of entries that are plain JSON. */
export type FrameMemoryPart = "aliases" | "merges" | "levelIds" | "firstFrames" | "unmapped" | "instruments";

/** All that reading one session's frames remembers from one frame to the next. Begins with the session, ends with it. */
export class FrameMemory {
  readonly aliases = new AliasTable();
  readonly merges = new Merges();
  readonly levelIds = new LevelIds();
  readonly firstFrames = new FirstFrames();
  readonly unmapped = new UnmappedSymbols();
  /** Of answers that belong to no session: what lists said of instruments. */
  readonly instruments = new KnownInstruments();

  /** What the session's address says of its frames; null where it says nothing. */
  get address(): Alias | null {
    return this.aliases.find(ADDRESS);
  }

  /** Notes what the session's address says of its frames. */
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

  /** Adds entries of a part as `parts` gave them. */
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
