import {
  type BookQuery,
  type BookStatus,
  type BookTopPlan,
  type BookView,
  type Decoding,
  type DedupPlan,
  type FramePlan,
  type FrameRecord,
  type HttpRecord,
  type InstrumentFields,
  type JournalRecord,
  type LastSeen,
  type Offset,
  type PlanRecord,
  type SessionId,
  type Stream,
} from "../model/mod.ts";
import type { NormalizedEvent } from "../normalize/mod.ts";
import { type PipelineResult, RecordAccount } from "./account.ts";
import { BookStage } from "./book_stage.ts";
import type { BookResync, KeptBook } from "./books.ts";
import { ConnectionGaps } from "./connection_gaps.ts";
import type { FillStretch, Mark } from "./fill.ts";
import { FillStage } from "./fill_stage.ts";
import { type AnswerOrigin, FrameStage, type LookMemory } from "./frame_stage.ts";
import { GapStage } from "./gap_stage.ts";
import { compileDerivation, Plans, PlanStore } from "./plan_store.ts";
import type { PollAnswer } from "./poll_answers.ts";
import type { SavedState } from "./saved_state.ts";
import { SiblingStage } from "./sibling_stage.ts";
import { StateStage } from "./state_stage.ts";

/** The connection of a session. */
export interface WireSession {
  readonly exchange: string;
  /** The descriptor's, without a shard. */
  readonly connectionId: string;
  readonly decode: Decoding;
  /** Canonical symbol → native spelling. */
  readonly natives: ReadonlyMap<string, string>;
}

/**
 * Derives events from journal records. A synchronous function without clock, I/O or randomness: the same records give
 * the same events live, in replay and for a sink that catches up. Dispatches records to stages: `state` for
 * checkpoints, `frames` for received data, `gaps` for ends, failures and gaps of streams, `whole` for gaps of whole
 * connections.
 */
export class Pipeline {
  readonly #plans: Plans;
  readonly #account = new RecordAccount();
  readonly #gaps: GapStage;
  readonly #whole: ConnectionGaps;
  readonly #state: StateStage;
  readonly #frames: FrameStage;
  readonly #siblings: SiblingStage;

  /**
   * `plans` are for sessions that name no plan, as in recordings and journals of format 1; sessions that name one use
   * it, from the `store` or the records. `tops`: tops of valid books to emit; null: none.
   */
  constructor(
    plans: Iterable<FramePlan>,
    dedup: DedupPlan,
    tops: BookTopPlan | null = null,
    store: PlanStore = new PlanStore(),
  ) {
    this.#plans = new Plans(store);
    const account = this.#account;
    const state = this.#state = new StateStage(account, this.#plans);
    const books = new BookStage({
      account,
      isMissing: (session, { channel, symbol }) => state.memory.gaps.has(session.exchange, symbol, channel),
      sawData: (session, { channel, symbol, native }) => this.#gaps.sawData(session, { channel, symbol, native }),
    });
    const fills = new FillStage(account, () => state.memory);
    const whole = this.#whole = new ConnectionGaps({ account, memory: () => state.memory, books });
    const gaps = this.#gaps = new GapStage({
      account,
      memory: () => state.memory,
      whole,
      ended: (session, stream, gap) => fills.gapEnded(session, stream, gap),
      left: (exchange, stream) => fills.forget(exchange, stream),
      takenOver: (exchange, last, receivedTs) => fills.takeOver(exchange, last, receivedTs),
    });
    const siblings = this.#siblings = new SiblingStage(account);
    this.#frames = new FrameStage({ account, plans: this.#plans, state, gaps, whole, books, fills, siblings });
    for (const frames of plans) this.setPlan(frames, { dedup, bookTops: tops });
  }

  /** Sets the plan for later sessions of an instance that name none. */
  setPlan(
    frames: FramePlan,
    run: { readonly dedup: DedupPlan; readonly bookTops: BookTopPlan | null; readonly descriptorHash?: string },
  ): void {
    this.#plans.setUnnamed(compileDerivation(frames, run), run.descriptorHash ?? null);
  }

  /**
   * Derives the events of one record. Never throws because of an exchange's data. The result is valid until the next
   * call.
   */
  process(offset: Offset, record: JournalRecord): PipelineResult {
    const account = this.#account;
    account.begin(offset, record.at);
    if (record.kind === "checkpoint") {
      this.#state.resume(record);
      return account;
    }
    if (record.kind === "plan") {
      this.#plans.store.add(record.hash, record.body);
      return account;
    }
    this.#state.follow(record);
    switch (record.kind) {
      case "frame":
        this.#frames.frame(record);
        break;
      case "http":
        this.#frames.http(record);
        break;
      case "opened":
        this.#gaps.opened(record);
        break;
      case "closed":
        this.#gaps.closed(record);
        break;
      case "streams":
        this.#gaps.streamsChanged(record);
        break;
      case "rejected":
        this.#gaps.rejected(record);
        break;
      case "stalled":
        this.#gaps.stalled(record);
        break;
      case "dropped":
        this.#whole.dropped(record);
        break;
      case "clock":
        this.#whole.clockStepped(record);
        break;
      case "share":
        this.#gaps.shareChanged(record);
        break;
      case "acked": {
        const session = this.#state.memory.sessions.get(record.session);
        if (session !== undefined) this.#siblings.acked(session, record.streams, record.at);
        break;
      }
    }
    return account;
  }

  /**
   * Quarantines a record for which `process` threw, which is a bug. Keeps the events emitted before, emits a gap and
   * invalidates the session's books, so that every derivation omits the record in the same way.
   */
  quarantine(offset: Offset, record: JournalRecord, error: unknown): PipelineResult {
    const account = this.#account;
    if (account.offset !== offset) account.begin(offset, record.at);
    account.reset();
    this.#whole.quarantined(record, error);
    return account;
  }

  /**
   * Returns the memory after the records so far, as texts of bounded length. Each text is created when it is read,
   * which may be while later records are processed.
   */
  saveState(): SavedState {
    return this.#state.save();
  }

  /** Restores a saved state. Throws a `CheckpointError` if this build cannot read it; the memory is then empty. */
  restoreState(parts: Iterable<string>): void {
    this.#state.restore(parts);
  }

  /** Returns the last fields of an instrument that is emitted; null if they are unknown. */
  instrument(exchange: string, symbol: string): InstrumentFields | null {
    return this.#state.memory.polls.get(exchange)?.instruments.find(symbol)?.fields ?? null;
  }

  /** Yields the last answers of polls that have not ended. */
  pollAnswers(): Iterable<PollAnswer> {
    return this.#state.memory.answers.all();
  }

  /** Returns the stretches of an instance that are not completely fetched yet. */
  fillsOf(exchange: string): readonly FillStretch[] {
    return this.#state.memory.fills.fills.filter((fill) => fill.exchange === exchange);
  }

  /** Yields the last event of each stream that can be filled. */
  *lastSeen(): Iterable<LastSeen & { readonly exchange: string }> {
    for (const [exchange, tails] of this.#state.memory.fills.tails()) {
      for (const [symbol, channel, { last }] of tails) yield { exchange, channel, symbol, id: last.id, ts: last.ts };
    }
  }

  /** The last event of a stream whose history can be fetched; null before the first, and of other streams. */
  lastOf(exchange: string, { channel, symbol }: Stream): Mark | null {
    return this.#state.memory.fills.tailOf(exchange, symbol, channel)?.last ?? null;
  }

  /** Yields the plans that the state refers to. */
  plansInUse(): Iterable<PlanRecord> {
    return this.#state.plansInUse(this.#account.at);
  }

  /** Yields the status of the books of an instance, over all its sessions. */
  *bookStatuses(exchange: string): Iterable<BookStatus> {
    for (const { id: session, exchange: own, books } of this.#state.memory.sessions.values()) {
      if (own !== exchange || books === null) continue;
      for (const { symbol, keeper } of books.all()) {
        yield { session, symbol, state: keeper.state, since: keeper.since, cause: keeper.cause };
      }
    }
  }

  /** Yields the books of an instance with their best levels, those of the latest session last. */
  *bookViews(exchange: string, { symbol, depth }: BookQuery): Iterable<BookView> {
    for (const { id: session, exchange: own, books } of this.#state.memory.sessions.values()) {
      if (own !== exchange || books === null) continue;
      for (const kept of books.all()) {
        if (symbol === undefined || symbol === kept.symbol || symbol === kept.native) {
          yield viewOf(kept, session, depth);
        }
      }
    }
  }

  /** Returns the connection of an open session; null if its `opened` record is unknown. */
  wireSession(id: SessionId): WireSession | null {
    const session = this.#state.memory.sessions.get(id);
    if (session === undefined) return null;
    const { exchange, connectionId, derivation } = session;
    const connection = derivation?.frames.connections.find(({ id }) => id === connectionId);
    return { exchange, connectionId, decode: connection?.decode ?? "auto", natives: derivation?.natives ?? new Map() };
  }

  /** Whether a book is valid after a resync, or is no longer kept. */
  isBookValid({ session, rule, native }: Pick<BookResync, "session" | "rule" | "native">): boolean {
    const books = this.#state.memory.sessions.get(session)?.books ?? null;
    if (books === null || rule === null) return true;
    const known = books.ruleNamed(rule.name);
    return known !== null && books.find(known, native)?.keeper.state === "valid";
  }

  /**
   * Reads a frame that is not in the journal, without changing the memory: returns its signal, streams and events.
   * `scratch` holds the memory of sessions for such frames, and is filled here.
   */
  look(record: FrameRecord, scratch: LookMemory): PipelineResult {
    return this.#frames.look(record, scratch);
  }

  /**
   * Reads an answer that is not in the journal, without changing state; null if it does not answer the request. The result is
   * reused until the next call.
   */
  lookHttp(record: HttpRecord, origin: AnswerOrigin): readonly NormalizedEvent[] | null {
    return this.#frames.lookHttp(record, origin);
  }

  /** Clears everything but the plans, so that a checkpoint is read again as at the beginning. */
  restart(): void {
    this.#state.restart();
  }

  /** Emits gaps of books that still wait for a snapshot, because no more records follow. */
  finish(offset: Offset): PipelineResult {
    this.#account.begin(offset, this.#account.at);
    this.#gaps.finished();
    return this.#account;
  }
}

function viewOf({ symbol, native, keeper }: KeptBook, session: SessionId, depth: number): BookView {
  const { state, since, cause, book, last } = keeper;
  // Levels of a book that is not valid are meaningless.
  const isValid = state === "valid";
  return {
    session,
    symbol,
    native,
    state,
    since,
    cause,
    sequence: last.sequence,
    exchangeTs: last.exchangeTs,
    bids: isValid ? book.top("bid", depth) : [],
    asks: isValid ? book.top("ask", depth) : [],
    bidLevels: isValid ? book.depth("bid") : 0,
    askLevels: isValid ? book.depth("ask") : 0,
  };
}
