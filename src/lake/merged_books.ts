import { OrderBook } from "../book/mod.ts";
import { type Envelope, type Gap, type Micros, SIBLING_PATIENCE_US } from "../model/mod.ts";

/** A book at one collector. */
interface CollectedBook {
  readonly book: OrderBook;
  /** Whether it follows from a snapshot without a gap. */
  isValid: boolean;
  at: Micros;
  sequence: string | null;
}

/** A book at all collectors. */
interface MergedBook {
  readonly collected: Map<string, CollectedBook>;
  /** The collector it is read from; null before the first update. */
  leader: string | null;
}

/**
 * Reads each book from one collector, until that book is in a gap or silent for ten seconds; then from another one
 * whose book is valid, beginning with a snapshot.
 */
export class MergedBooks {
  readonly #books = new Map<string, MergedBook>();

  /** Returns the event to emit: itself, a snapshot in its place, or null if the book is read from another collector. */
  follow(collector: string, envelope: Envelope, now: Micros): Envelope | null {
    const { event, exchange, native_symbol: native } = envelope;
    if (event.kind === "gap") {
      this.#sawGap(collector, envelope, event);
      return envelope;
    }
    if (event.kind !== "book_snapshot" && event.kind !== "book_delta" && event.kind !== "book_top") return envelope;
    const merged = this.#of(`${exchange}\n${native}`);
    if (event.kind === "book_top") return merged.leader === null || merged.leader === collector ? envelope : null;
    let own = merged.collected.get(collector);
    if (own === undefined) {
      merged.collected.set(collector, own = { book: new OrderBook(), isValid: false, at: now, sequence: null });
    }
    own.at = now;
    if (event.kind === "book_snapshot") {
      own.book.applySnapshot(event.bids, event.asks);
      own.isValid = true;
      own.sequence = event.sequence;
    } else if (own.isValid) {
      own.book.applyDelta(event.bids, event.asks);
      own.sequence = event.last_sequence;
    }
    if (merged.leader === collector) return envelope;
    const leader = merged.leader === null ? undefined : merged.collected.get(merged.leader);
    if (leader !== undefined && (!own.isValid || (leader.isValid && now - leader.at <= SIBLING_PATIENCE_US))) {
      return null;
    }
    const isFirst = merged.leader === null;
    merged.leader = collector;
    if (isFirst || event.kind === "book_snapshot") return envelope;
    const { book, sequence } = own;
    return { ...envelope, event: { kind: "book_snapshot", ...book.levels(), sequence } };
  }

  #sawGap(collector: string, { exchange, symbol, native_symbol: native }: Envelope, gap: Gap): void {
    if (gap.state !== "opened" || (gap.stream !== "book" && gap.stream !== null)) return;
    if (symbol !== "") return this.#invalidate(`${exchange}\n${native}`, collector);
    for (const key of this.#books.keys()) if (key.startsWith(`${exchange}\n`)) this.#invalidate(key, collector);
  }

  #invalidate(key: string, collector: string): void {
    const own = this.#books.get(key)?.collected.get(collector);
    if (own !== undefined) own.isValid = false;
  }

  #of(key: string): MergedBook {
    let merged = this.#books.get(key);
    if (merged === undefined) this.#books.set(key, merged = { collected: new Map(), leader: null });
    return merged;
  }
}
