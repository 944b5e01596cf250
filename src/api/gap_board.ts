import { API_GAPS_MAX, type Envelope, type EventBatch, type Gap } from "../model/mod.ts";

/** A gap as the latest event of it tells. */
export interface GapView {
  readonly envelope: Envelope;
  readonly gap: Gap;
}

/** The latest gaps, one entry each, oldest first: at the bound those that were told first are forgotten. */
export class GapBoard {
  readonly #gaps = new Map<string, GapView>();

  /** Notes the gaps among events. */
  take(events: EventBatch): void {
    for (let at = 0; at < events.length; at++) {
      if (events.kindAt(at) === "gap") this.#note(events.envelope(at));
    }
  }

  /** The gaps, those that were told first before the others. */
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
