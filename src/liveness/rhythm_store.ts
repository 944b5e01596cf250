import { RHYTHMS_MAX, type Stream, streamKey } from "../model/mod.ts";
import { Rhythm, type RhythmState } from "./rhythm.ts";

/** Version of the lines. Raise it with every change of a rhythm's state; older files are discarded. */
const VERSION = 1;

/** The first line, which names the version. */
const HEAD = JSON.stringify({ rhythms: VERSION });

/** One stream: its rhythm in this run, or the state saved by an earlier run. */
type Known = { readonly rhythm: Rhythm } | { readonly state: RhythmState };

/**
 * The rhythms of all streams, over sockets and restarts. Past RHYTHMS_MAX streams the least recently used is evicted.
 */
export class RhythmStore {
  readonly #known = new Map<string, Known>();

  /** Returns a rhythm for a stream of one socket, which continues the stream's last rhythm. */
  begin(exchange: string, connectionId: string, stream: Stream): Rhythm {
    const key = `${exchange} ${connectionId} ${streamKey(stream)}`;
    const before = this.#known.get(key);
    const rhythm = new Rhythm();
    if (before !== undefined) rhythm.restore("rhythm" in before ? before.rhythm.save() : before.state);
    this.#keep(key, { rhythm });
    return rhythm;
  }

  /** Yields the text of the store, line by line. */
  *lines(): Iterable<string> {
    yield HEAD;
    for (const [key, known] of this.#known) {
      yield JSON.stringify([key, "rhythm" in known ? known.rhythm.save() : known.state]);
    }
  }

  /** Restores lines of an earlier run. Returns how many were read, or null if they are not valid. */
  restore(lines: readonly string[]): number | null {
    if (lines[0] !== HEAD) return null;
    const states: [key: string, state: RhythmState][] = [];
    for (const line of lines.slice(1)) {
      const entry = entryOf(line);
      if (entry === null) return null;
      states.push(entry);
    }
    for (const [key, state] of states) this.#keep(key, { state });
    return states.length;
  }

  #keep(key: string, known: Known): void {
    this.#known.delete(key);
    this.#known.set(key, known);
    if (this.#known.size <= RHYTHMS_MAX) return;
    const [oldest] = this.#known.keys();
    this.#known.delete(oldest);
  }
}

function entryOf(line: string): [string, RhythmState] | null {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return null;
  }
  if (!Array.isArray(value) || value.length !== 2 || typeof value[0] !== "string") return null;
  return new Rhythm().restore(value[1]) ? [value[0], value[1]] : null;
}
