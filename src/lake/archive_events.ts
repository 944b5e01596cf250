import type { Files } from "../host/mod.ts";
import { ARCHIVE_ROWS_HELD_MAX, ARCHIVE_SOURCES_OPEN_MAX, Failure, type Micros, type Offset } from "../model/mod.ts";
import { compareBytes } from "../sink/mod.ts";
import { eventsOf, joinedEvents, placeOf, type StoredEvent } from "./parquet_events.ts";
import { openSource, type ParquetSource, type SourceGroup, type Value } from "./parquet_source.ts";

/** Selects events of an archive. Paths and bounds let the reader skip files and groups. */
export interface ArchiveSelection {
  /** Exchange instance; null for all. */
  readonly exchange: string | null;
  /** Canonical symbols; null for all. */
  readonly symbols: ReadonlySet<string> | null;
  /** Receive times: first inclusive, second exclusive. */
  readonly from: Micros;
  readonly until: Micros;
}

/** Selects the whole archive. */
export const WHOLE_ARCHIVE: ArchiveSelection = { exchange: null, symbols: null, from: -Infinity, until: Infinity };

/** A row group, opened or not. */
interface Waiting {
  readonly path: string;
  readonly group: SourceGroup;
  /** Least offset of its events. */
  readonly first: Offset;
}

interface Open {
  readonly path: string;
  readonly events: readonly StoredEvent[];
  readonly rows: number;
  next: number;
}

/**
 * Reads the events of a Parquet archive in the order of their offsets, whatever the files and their sorting. Joins the
 * levels of a book into one event again. Reads a row group when its first offset is reached, so that memory holds at
 * most one group for each symbol and kind. Rejects with a `Failure` if a file is damaged or of no archive, or if more
 * than ARCHIVE_ROWS_HELD_MAX rows would be in memory.
 */
export class ArchiveEvents {
  readonly #files: Files;
  readonly #wanted: ArchiveSelection;
  readonly #onRead: (path: string, share: number) => void;
  /** Files by the first offset in their names, the earliest last. */
  readonly #parts: { readonly path: string; readonly first: Offset }[];
  /** Groups of examined files, the earliest last. */
  #groups: Waiting[] = [];
  #open: Open[] = [];
  #rowsHeld = 0;
  /** Files with known footers, the last used at the end. */
  readonly #sources = new Map<string, ParquetSource>();

  /** `paths`: the files; `onRead` is called with the part of a file that has been read. */
  constructor(
    files: Files,
    options: {
      readonly paths: readonly string[];
      readonly wanted: ArchiveSelection;
      readonly onRead: (path: string, share: number) => void;
    },
  ) {
    this.#files = files;
    this.#wanted = options.wanted;
    this.#onRead = options.onRead;
    this.#parts = options.paths.map((path) => ({ path, first: firstOffset(path) }))
      .sort((a, b) => b.first - a.first || (a.path < b.path ? 1 : -1));
  }

  async *read(): AsyncGenerator<StoredEvent> {
    try {
      let held: StoredEvent | null = null;
      let heldPath = "";
      for (let open = await this.#least(); open !== null; open = await this.#least()) {
        const event = this.#take(open);
        // The levels of one event may be in two groups of a file.
        const joined: StoredEvent | null = held !== null && heldPath === open.path ? joinedEvents(held, event) : null;
        if (joined === null && held !== null) yield held;
        held = joined ?? event;
        heldPath = open.path;
      }
      if (held !== null) yield held;
    } finally {
      for (const source of this.#sources.values()) await source.close();
      this.#sources.clear();
    }
  }

  /**
   * Returns the open group with the earliest next event; opens groups that may hold an earlier one. Null at the end.
   */
  async #least(): Promise<Open | null> {
    for (;;) {
      let least: Open | null = null;
      for (const open of this.#open) if (least === null || isBefore(open, least)) least = open;
      const until = least === null ? Infinity : least.events[least.next].envelope.offset;
      const [part, group] = [this.#parts.at(-1), this.#groups.at(-1)];
      if (part !== undefined && part.first <= Math.min(until, group?.first ?? Infinity)) {
        this.#parts.pop();
        await this.#lookInto(part.path);
      } else if (group !== undefined && group.first <= until) {
        this.#groups.pop();
        await this.#openGroup(group);
      } else return least;
    }
  }

  #take(open: Open): StoredEvent {
    const event = open.events[open.next++];
    if (open.next === open.events.length) {
      this.#open = this.#open.filter((other) => other !== open);
      this.#rowsHeld -= open.rows;
    }
    return event;
  }

  /** Notes the groups of a file that may hold selected events. */
  async #lookInto(path: string): Promise<void> {
    const { exchange, date } = placeOf(path);
    const wanted = this.#wanted;
    const dayStart = Date.parse(`${date}T00:00:00Z`) * 1000;
    const isDayWanted = Number.isNaN(dayStart) || (dayStart + DAY_MICROS > wanted.from && dayStart < wanted.until);
    if (!isDayWanted || (wanted.exchange !== null && wanted.exchange !== exchange)) {
      this.#onRead(path, 1);
      return;
    }
    const source = await this.#source(path);
    for (const group of source.groups) {
      if (!this.#mayHold(source, group)) {
        this.#onRead(path, group.rows / source.rows);
        continue;
      }
      const first = source.bounds(group, "offset")?.min ?? firstOffset(path);
      this.#groups.push({ path, group, first: Number(first) });
    }
    this.#groups.sort((a, b) => b.first - a.first);
  }

  #mayHold(source: ParquetSource, group: SourceGroup): boolean {
    const { symbols, from, until } = this.#wanted;
    const received = source.bounds(group, "received_ts");
    // Bounds of times are whole ms.
    if (received !== null && (Number(received.max) + 1000 <= from || Number(received.min) >= until)) return false;
    const spelled = symbols === null ? null : source.bounds(group, symbolColumn(source));
    if (symbols === null || spelled === null) return true;
    return [...symbols].some((symbol) => isWithin(symbol, spelled));
  }

  async #openGroup({ path, group }: Waiting): Promise<void> {
    const { exchange, kind } = placeOf(path);
    const source = await this.#source(path);
    if (this.#rowsHeld + group.rows > ARCHIVE_ROWS_HELD_MAX) {
      const words = `more than ${ARCHIVE_ROWS_HELD_MAX} rows would be in memory at once; ask for fewer symbols or ` +
        "exchanges at a time, or read the journal instead";
      throw new Failure("file", `Cannot read ${path}: ${words}`, { retry: false });
    }
    const columns = new Map<string, readonly Value[]>();
    for (const { name } of source.columns) columns.set(name, await source.read(source.groups[group.at], name));
    this.#onRead(path, group.rows / source.rows);
    const events = eventsOf(columns, { kind, exchange, rows: group.rows }).filter(({ envelope }) =>
      this.#isWanted(envelope)
    );
    if (events.length === 0) return;
    events.sort(({ envelope: a }, { envelope: b }) => a.offset - b.offset || a.index - b.index);
    this.#open.push({ path, events, rows: group.rows, next: 0 });
    this.#rowsHeld += group.rows;
  }

  #isWanted({ symbol, received_ts }: StoredEvent["envelope"]): boolean {
    const { symbols, from, until } = this.#wanted;
    return received_ts >= from && received_ts < until && (symbols === null || symbols.has(symbol));
  }

  /** Returns an open file, or opens it; few are open at a time. */
  async #source(path: string): Promise<ParquetSource> {
    const known = this.#sources.get(path);
    this.#sources.delete(path);
    const source = known ?? await openSource(this.#files, path);
    this.#sources.set(path, source);
    for (const [other, oldest] of this.#sources) {
      if (this.#sources.size <= ARCHIVE_SOURCES_OPEN_MAX) break;
      this.#sources.delete(other);
      await oldest.close();
    }
    return source;
  }
}

const DAY_MICROS = 86_400_000_000;

function symbolColumn(source: ParquetSource): string {
  return source.columns.some(({ name }) => name === "symbol") ? "symbol" : "canonical_symbol";
}

/** Bounds of texts are compared as bytes. */
function isWithin(text: string, { min, max }: { readonly min: Value; readonly max: Value }): boolean {
  return compareBytes(text, String(min)) >= 0 && compareBytes(text, String(max)) <= 0;
}

function isBefore(a: Open, b: Open): boolean {
  const [{ envelope: left }, { envelope: right }] = [a.events[a.next], b.events[b.next]];
  return left.offset < right.offset || (left.offset === right.offset && left.index < right.index);
}

/** Returns the first offset in a file's name; 0 if it has none. */
function firstOffset(path: string): Offset {
  const [, digits] = /(\d{16})[^/]*$/.exec(path) ?? [];
  return digits === undefined ? 0 : Number(digits);
}
