import type { Micros, PlanRecord, SessionId } from "../model/mod.ts";
import { FrameMemory } from "../normalize/mod.ts";
import { type CheckpointItem, framesOf, readCheckpoint, restoreBook, sessionItems, slices } from "./checkpoint.ts";
import { Deduplicator } from "./dedup.ts";
import { FillLedger } from "./fill_ledger.ts";
import { GapLedger } from "./gaps.ts";
import { PollAnswers } from "./poll_answers.ts";
import type { Plans } from "./plan_store.ts";
import { SavedState } from "./saved_state.ts";
import { SessionMemory } from "./session_memory.ts";
import { SiblingLedger } from "./sibling_group.ts";

/** A session whose `opened` record is unknown: its frames cannot be derived and are in a gap. */
export interface Orphan {
  readonly gapId: string;
  readonly from: Micros;
}

/** The pipeline's memory from one record to the next. */
export class PipelineMemory {
  readonly plans: Plans;
  readonly sessions = new Map<SessionId, SessionMemory>();
  /** Memory of answers that belong to no session, by instance. */
  readonly polls = new Map<string, FrameMemory>();
  readonly answers = new PollAnswers();
  readonly gaps = new GapLedger();
  readonly fills = new FillLedger();
  readonly dedup = new Deduplicator();
  readonly siblings = new SiblingLedger();
  readonly orphans = new Map<SessionId, Orphan>();

  constructor(plans: Plans) {
    this.plans = plans;
  }

  /** Returns the memory of an instance's answers that belong to no session. */
  pollsOf(exchange: string): FrameMemory {
    let memory = this.polls.get(exchange);
    if (memory === undefined) this.polls.set(exchange, memory = new FrameMemory());
    return memory;
  }

  /** Returns the native spelling of an instance's symbol, or the symbol itself if no open session knows it. */
  nativeOf(exchange: string, symbol: string): string {
    for (const session of this.sessions.values()) {
      if (session.exchange === exchange) return session.nativeOf(symbol);
    }
    return symbol;
  }

  /** Returns the present memory. Large parts are serialized only when they are read. */
  save(): SavedState {
    const saved = new SavedState();
    for (const item of this.#items()) saved.add(item);
    for (const { id, books } of this.sessions.values()) {
      for (const kept of books?.all() ?? []) saved.addBook(id, kept);
    }
    for (const slice of slices(this.dedup.entries())) saved.addList(["dedup", slice]);
    return saved.end();
  }

  /** Restores an empty memory from texts. Throws a `CheckpointError` if this build cannot read them. */
  restore(parts: Iterable<string>): void {
    for (const part of parts) for (const item of readCheckpoint(part)) this.#restoreItem(item);
  }

  /** Yields the plans that open sessions name. */
  *plansInUse(at: Micros): Iterable<PlanRecord> {
    const hashes = new Set<string>();
    for (const { origin } of this.sessions.values()) if (origin.planHash !== null) hashes.add(origin.planHash);
    for (const hash of hashes) {
      const body = this.plans.store.bodyOf(hash);
      if (body !== null) yield { kind: "plan", at, hash, body };
    }
  }

  *#items(): Iterable<CheckpointItem> {
    for (const session of this.sessions.values()) yield* sessionItems(session);
    for (const [exchange, frames] of this.polls) {
      for (const [part, entries] of framesOf(frames)) yield ["polls", exchange, part, entries];
    }
    for (const slice of slices(this.answers.all())) yield ["answers", slice];
    for (const slice of slices(this.gaps.entries())) yield ["gaps", slice];
    for (const [exchange, tails] of this.fills.tails()) {
      for (const slice of slices(tails)) yield ["tails", exchange, slice];
    }
    for (const fill of this.fills.entries()) yield ["fill", fill];
    const orphans = [...this.orphans].map(([session, { gapId, from }]) => [session, gapId, from] as const);
    for (const slice of slices(orphans)) yield ["orphans", slice];
    for (const [name, group] of this.siblings.entries()) {
      yield ["siblings", name, group.saveState()];
      for (const slice of slices(group.sightings.entries())) yield ["sightings", name, slice];
    }
  }

  #restoreItem(item: CheckpointItem): void {
    switch (item[0]) {
      case "session": {
        const [, id, origin, { lastTs, gap, counter }] = item;
        const session = new SessionMemory(id, origin, this.plans.resolve(origin));
        session.lastTs = lastTs;
        session.gap = gap;
        if (counter !== null) session.books?.restoreCounter(counter);
        this.sessions.set(id, session);
        return;
      }
      case "streams":
        for (const [symbol, channel, at] of item[2]) this.sessions.get(item[1])?.note(channel, symbol, at);
        return;
      case "frames":
        return this.sessions.get(item[1])?.frames.restore(item[2], item[3]);
      case "polls":
        return this.pollsOf(item[1]).restore(item[2], item[3]);
      case "answers":
        for (const answer of item[1]) this.answers.add(answer);
        return;
      case "book": {
        const [, id, book] = item;
        const books = this.sessions.get(id)?.books ?? null;
        const rule = books?.ruleNamed(book.rule) ?? null;
        const kept = books === null || rule === null ? null : books.bookFor(rule, book);
        if (kept !== null) restoreBook(kept, book);
        return;
      }
      case "gaps":
        for (const [exchange, symbol, channel, gap] of item[1]) this.gaps.add(exchange, symbol, channel, gap);
        return;
      case "tails": {
        const [, exchange, tails] = item;
        for (const [symbol, channel, tail] of tails) this.fills.follow({ exchange, symbol, channel }, tail);
        return;
      }
      case "fill":
        return this.fills.restore(item[1]);
      case "orphans":
        for (const [session, gapId, from] of item[1]) this.orphans.set(session, { gapId, from });
        return;
      case "siblings":
        return this.siblings.of(item[1]).restoreState(item[2], this.sessions);
      case "sightings":
        return this.siblings.of(item[1]).sightings.restoreEntries(item[2]);
      case "dedup":
        return this.dedup.restore(item[1]);
    }
  }
}
