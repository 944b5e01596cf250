import { API_GAPS_MAX, type Envelope, type EventBatch, type Gap } from "../model/mod.ts";

/** A gap as its latest event describes it. */
export interface GapView {
  readonly envelope: Envelope;
  readonly gap: Gap;
}

/** Keeps the latest gaps, one entry each, in the order of their first event. At the bound the oldest is evicted. */
export class GapBoard {
  readonly #gaps = new Map<string, GapView>();

  /** Notes the gaps among the events. */
  note(events: EventBatch): void {
    for (let at = 0; at < events.length; at++) {
      if (events.kindAt(at) === "gap") this.#note(events.envelope(at));
    }
  }

  /** Returns the gaps in the order of their first event. */
  all(): readonly GapView[] {
    return [...this.#gaps.values()];
  }

  #note(envelope: Envelope): void {
    const { event: gap } = envelope;
    if (gap.kind !== "gap") return;
    this.#gaps.set(gap.gap_id, { envelope, gap });
    if (this.#gaps.size <= API_GAPS_MAX) return;
    for (const id of this.#gaps.keys()) {
      this.#gaps.delete(id);
      break;
    }
  }
}
