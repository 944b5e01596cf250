import { type Envelope, EVENT_SPECS, type Gap, MERGE_GAPS_MAX, type Micros } from "../model/mod.ts";

/** A stretch that a collector missed; `to` is null while the gap is open. */
interface MissedStretch {
  readonly id: string;
  readonly from: Micros;
  to: Micros | null;
}

/** An open gap, with its event. */
interface OpenGap {
  readonly collector: string;
  readonly envelope: Envelope;
  readonly gap: Gap;
}

/** What a collector has of a stream. */
interface Stretch {
  readonly firstTs: Micros;
  lastTs: Micros;
}

/** A gap and its stream. */
export interface StreamGap {
  readonly exchange: string;
  readonly symbol: string;
  readonly gap: Gap;
}

/** Tracks what each collector has of each stream, to find who has what another one missed. */
export class Coverage {
  readonly #collectors = new Map<
    string,
    { readonly streams: Map<string, Stretch>; readonly missed: Map<string, MissedStretch[]> }
  >();
  readonly #open = new Map<string, OpenGap>();

  saw(collector: string, envelope: Envelope): void {
    let known = this.#collectors.get(collector);
    if (known === undefined) this.#collectors.set(collector, known = { streams: new Map(), missed: new Map() });
    const { exchange, symbol, event, received_ts: at } = envelope;
    if (event.kind === "gap") return this.#sawGap(collector, known.missed, envelope, event);
    // Backfilled events do not show that the stream was received.
    if (envelope.backfilled === true) return;
    const channel = EVENT_SPECS[event.kind].channel;
    if (channel === null) return;
    for (const key of [streamOf(exchange, symbol, channel), streamOf(exchange, "", null)]) {
      const stretch = known.streams.get(key);
      if (stretch === undefined) known.streams.set(key, { firstTs: at, lastTs: at });
      else stretch.lastTs = Math.max(stretch.lastTs, at);
    }
  }

  /** Returns the first by name of the other collectors that missed nothing of a closed gap; null if there is none. */
  whoCovers(collector: string, { exchange, symbol, gap }: StreamGap): string | null {
    const { from_ts: from, to_ts: to } = gap;
    if (from === null || to === null) return null;
    const others = [...this.#collectors.keys()].filter((name) => name !== collector).sort();
    return others.find((name) => this.#covers(name, { exchange, symbol, gap }, from, to)) ?? null;
  }

  /** Returns the open gaps of which another collector has data to the end, with the time of its last data. */
  *openGaps(): Iterable<OpenGap & { readonly by: string; readonly to: Micros }> {
    const open = [...this.#open].sort(([a], [b]) => a < b ? -1 : 1).map(([, gap]) => gap);
    for (const { collector, envelope, gap } of open) {
      const { exchange, symbol } = envelope;
      const from = gap.from_ts;
      if (from === null) continue;
      for (const name of [...this.#collectors.keys()].filter((other) => other !== collector).sort()) {
        const to = this.#collectors.get(name)?.streams.get(streamOf(exchange, symbol, gap.stream))?.lastTs ?? null;
        if (to === null || to <= from || !this.#covers(name, { exchange, symbol, gap }, from, to)) continue;
        yield { collector, envelope, gap, by: name, to };
        break;
      }
    }
  }

  #covers(name: string, { exchange, symbol, gap }: StreamGap, from: Micros, to: Micros): boolean {
    const known = this.#collectors.get(name);
    const stretch = known?.streams.get(streamOf(exchange, symbol, gap.stream));
    if (known === undefined || stretch === undefined || stretch.firstTs > from || stretch.lastTs < to) return false;
    for (const [key, missed] of known.missed) {
      if (!concerns(key, { exchange, symbol, gap })) continue;
      if (missed.some((stretch) => stretch.from < to && (stretch.to ?? Infinity) > from)) return false;
    }
    return true;
  }

  #sawGap(collector: string, missed: Map<string, MissedStretch[]>, envelope: Envelope, gap: Gap): void {
    const { exchange, symbol, received_ts: at } = envelope;
    const key = streamOf(exchange, symbol, gap.stream);
    const openKey = `${collector}\n${gap.gap_id}`;
    if (gap.state === "opened") this.#open.set(openKey, { collector, envelope, gap });
    else this.#open.delete(openKey);
    // After a clock step nothing is missing.
    if (gap.cause === "clock") return;
    let list = missed.get(key);
    if (list === undefined) missed.set(key, list = []);
    const known = list.find(({ id }) => id === gap.gap_id);
    // Fetched later: what was missing is there.
    if (gap.state === "filled") {
      if (known !== undefined) list.splice(list.indexOf(known), 1);
      return;
    }
    const to = gap.state === "opened" ? null : gap.to_ts ?? at;
    if (known !== undefined) known.to = to;
    else list.push({ id: gap.gap_id, from: gap.from_ts ?? at, to });
    if (list.length > MERGE_GAPS_MAX) list.shift();
  }
}

function streamOf(exchange: string, symbol: string, channel: string | null): string {
  return `${exchange}\n${symbol}\n${channel ?? ""}`;
}

/**
 * Whether the stretches under a key concern a gap's stream: its own stretches or those of a whole connection; a gap of
 * a connection concerns all.
 */
function concerns(key: string, { exchange, symbol, gap }: StreamGap): boolean {
  const [of, name, channel] = key.split("\n");
  if (of !== exchange) return false;
  return symbol === "" || name === "" || (name === symbol && (channel === "" || channel === (gap.stream ?? channel)));
}
