import {
  type BookStatus,
  type BookTopPlan,
  type DedupPlan,
  type FramePlan,
  type FrameRecord,
  type HttpRecord,
  type JournalRecord,
  type Offset,
  type PlanRecord,
  type SessionId,
  type Stream,
} from "../model/mod.ts";
import { FrameMemory, type NormalizedEvent, type NormalizedFrame } from "../normalize/mod.ts";
import { type PipelineResult, RecordAccount } from "./account.ts";
import { BookStage } from "./book_stage.ts";
import type { BookResync } from "./books.ts";
import { CheckpointError } from "./checkpoint.ts";
import { GapStage } from "./gap_stage.ts";
import { PipelineMemory } from "./pipeline_memory.ts";
import { type CompiledDerivation, compileDerivation, Plans, PlanStore } from "./plan_store.ts";
import type { SessionMemory } from "./session_memory.ts";

/**
 * Journal records in, events out: one synchronous function without clock, I/O or randomness, so that the same records give
 * the same events, live, in replay and for a sink that catches up. The order of the stages for a frame: read it by its
 * session's plan, count it, invalidate books whose updates it lost, then event by event: books through their keepers,
 * everything else past the gaps of its stream and the duplicates.
 */
export class Pipeline {
  readonly #plans: Plans;
  readonly #account = new RecordAccount();
  readonly #gaps: GapStage;
  readonly #books: BookStage;
  #memory: PipelineMemory;
  /** Parts of the checkpoint that the records begin with; null once another record was processed. */
  #checkpoint: string[] | null = [];

  /**
   * `plans`: of sessions that name no plan, as those of recordings and of journals of format 1; `tops`: what is derived
   * of valid books besides, null: nothing. Sessions that name a plan are derived by it, from the `store` or from the
   * records.
   */
  constructor(
    plans: Iterable<FramePlan>,
    dedup: DedupPlan,
    tops: BookTopPlan | null = null,
    store: PlanStore = new PlanStore(),
  ) {
    this.#plans = new Plans(store);
    this.#memory = new PipelineMemory(this.#plans);
    const account = this.#account;
    this.#books = new BookStage({
      account,
      isMissing: (session, { channel, symbol }) => this.#memory.gaps.has(session.exchange, symbol, channel),
      sawData: (session, { channel, symbol, native }) => this.#gaps.sawData(session, { channel, symbol, native }),
    });
    this.#gaps = new GapStage({ account, memory: () => this.#memory, books: this.#books });
    for (const frames of plans) this.setPlan(frames, { dedup, bookTops: tops });
  }

  /** Sets the plan of an instance's later sessions that name none. */
  setPlan(
    frames: FramePlan,
    run: { readonly dedup: DedupPlan; readonly bookTops: BookTopPlan | null; readonly descriptorHash?: string },
  ): void {
    this.#plans.setUnnamed(compileDerivation(frames, run), run.descriptorHash ?? null);
  }

  /** Turns one record into events. Never throws on what an exchange sent. The result is reused until the next call. */
  process(offset: Offset, record: JournalRecord): PipelineResult {
    const account = this.#account;
    account.begin(offset, record.at);
    if (record.kind === "checkpoint") {
      this.#resume(record.state, record.last);
      return account;
    }
    if (record.kind === "plan") {
      this.#plans.store.add(record.hash, record.body);
      return account;
    }
    this.#checkpoint = null;
    switch (record.kind) {
      case "frame":
        this.#frame(record);
        break;
      case "http":
        this.#http(record);
        break;
      case "opened":
        this.#gaps.opened(record);
        break;
      case "closed":
        this.#gaps.closed(record);
        break;
      case "rejected":
        this.#gaps.rejected(record);
        break;
      case "dropped":
        this.#gaps.dropped(record);
        break;
      case "clock":
        this.#gaps.clockStepped(record);
        break;
      case "acked":
        break;
    }
    return account;
  }

  /**
   * Replaces `process` where that threw: a bug. Keeps the events that the record gave before, tells a gap, invalidates
   * the books of the session and goes on, so that the same record is left out the same way whenever it is derived.
   */
  quarantine(offset: Offset, record: JournalRecord, error: unknown): PipelineResult {
    const account = this.#account;
    if (account.offset !== offset) account.begin(offset, record.at);
    account.reset();
    this.#gaps.quarantined(record, error);
    return account;
  }

  /** Yields everything that has to be known to go on after the records so far, as texts of bounded length. */
  saveState(): Iterable<string> {
    return this.#memory.save();
  }

  /** Goes on from a saved state. Throws a `CheckpointError`, and knows nothing, where this build cannot read it. */
  restoreState(parts: Iterable<string>): void {
    this.#memory = new PipelineMemory(this.#plans);
    try {
      this.#memory.restore(parts);
    } catch (error) {
      this.#memory = new PipelineMemory(this.#plans);
      throw error instanceof CheckpointError ? error : new CheckpointError(0, String(error));
    }
  }

  /** Yields the plans that the state refers to. */
  plansInUse(): Iterable<PlanRecord> {
    return this.#memory.plansInUse(this.#account.at);
  }

  /** Yields how the books of an exchange instance are doing, over all its sessions. */
  *bookStatuses(exchange: string): Iterable<BookStatus> {
    for (const { id: session, exchange: own, books } of this.#memory.sessions.values()) {
      if (own !== exchange || books === null) continue;
      for (const { symbol, keeper } of books.all()) {
        yield { session, symbol, state: keeper.state, since: keeper.since, cause: keeper.cause };
      }
    }
  }

  /** Whether a book that was to become valid is, or is not kept any more. */
  isBookValid({ session, rule, native }: Pick<BookResync, "session" | "rule" | "native">): boolean {
    const books = this.#memory.sessions.get(session)?.books ?? null;
    if (books === null || rule === null) return true;
    const known = books.ruleNamed(rule.name);
    return known !== null && books.find(known, native)?.keeper.state === "valid";
  }

  /**
   * Reads a frame that is not in the journal and changes nothing: what it means to its session, its streams and its
   * events as they were sent. `scratch`: what the sessions of such frames remember besides, made here.
   */
  look(record: FrameRecord, scratch: LookMemory): PipelineResult {
    const account = this.#account;
    account.begin(0, record.at);
    const session = this.#memory.sessions.get(record.session);
    if (session === undefined || session.derivation === null) return account;
    account.exchange = session.exchange;
    account.session = session.id;
    let memory = scratch.get(session.id);
    if (memory === undefined) {
      scratch.set(session.id, memory = new FrameMemory());
      for (const [part, entries] of session.frames.parts()) memory.restore(part, entries);
    }
    const { payload, binary, at: receivedTs } = record;
    const read = session.derivation.normalizer.read(
      { connectionId: session.connectionId, payload, binary, receivedTs },
      memory,
    );
    account.take(read);
    for (const { channel, symbol, native_symbol: native, event, exchange_ts: exchangeTs } of read.events) {
      if (channel !== null) account.streams.push({ channel, symbol });
      account.emit({ symbol, native }, event, exchangeTs);
    }
    return account;
  }

  /** Forgets everything but the plans: a checkpoint may come again, as at the beginning. */
  restart(): void {
    this.#memory = new PipelineMemory(this.#plans);
    this.#checkpoint = [];
  }

  /** Tells of what stays open where the records end for good: books that wait for a snapshot that never came. */
  finish(offset: Offset): PipelineResult {
    this.#account.begin(offset, this.#account.at);
    this.#gaps.finished();
    return this.#account;
  }

  /** A checkpoint counts only before every other record: later ones say what is known already. */
  #resume(part: string, isLast: boolean): void {
    const parts = this.#checkpoint;
    if (parts === null) return;
    parts.push(part);
    if (!isLast) return;
    this.#checkpoint = null;
    try {
      this.restoreState(parts);
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      this.#account.refusedCheckpoint = error.version;
    }
  }

  #frame(record: FrameRecord): void {
    const session = this.#memory.sessions.get(record.session);
    if (session === undefined) return this.#gaps.orphan(record);
    const account = this.#account;
    account.exchange = session.exchange;
    account.session = session.id;
    const { derivation } = session;
    if (derivation === null) return this.#gaps.underived(session, record.payload);
    const { payload, binary, at: receivedTs } = record;
    const { connectionId, books } = session;
    const read = derivation.normalizer.read({ connectionId, payload, binary, receivedTs }, session.frames);
    if (read.socketSequence !== null && books !== null) this.#books.countFrame(session, books, read.socketSequence);
    session.lastTs = receivedTs;
    if (books !== null && read.lostUpdates.length > 0) this.#books.loseUpdates(session, books, read.lostUpdates);
    this.#emit(read, { derivation, session, connectionId, payload });
    if (books !== null && read.checksums.length > 0) this.#books.check(books, read.checksums);
    if (read.faults.length > 0) this.#gaps.faulty(session, read);
  }

  #http(record: HttpRecord): void {
    const account = this.#account;
    account.exchange = record.exchange;
    if (record.status !== 200 && record.status !== 0) return;
    const session = record.session === null ? null : this.#memory.sessions.get(record.session) ?? null;
    account.session = record.session ?? 0;
    const derivation = session?.derivation ??
      this.#plans.resolve({ exchange: record.exchange, planHash: record.planHash, descriptorHash: "" });
    if (derivation === null) return this.#gaps.underived(session, record.body);
    if (record.status === 0) return this.#gaps.pollMissed(record, derivation);
    const connectionId = session?.connectionId ?? null;
    const memory: FrameMemory = session?.frames ?? this.#memory.pollsOf(record.exchange);
    const { request, native, body, at: receivedTs } = record;
    const input = { hasSession: session !== null, connectionId, request, native, body, receivedTs };
    const read = derivation.normalizer.readHttp(input, memory);
    account.isAnswer = read.isAnswer;
    this.#emit(read, { derivation, session, connectionId: connectionId ?? "", payload: body });
    if (read.faults.length > 0) this.#gaps.faulty(null, read);
  }

  /** The stages behind reading, event by event. */
  #emit(read: NormalizedFrame, from: FrameSource): void {
    const account = this.#account;
    account.take(read);
    const { session } = from;
    const { events } = read;
    let last: Stream | null = null;
    for (let i = 0; i < events.length; i++) {
      const found = events[i];
      const { channel, symbol } = found;
      const isNext = channel !== null && (last === null || last.symbol !== symbol || last.channel !== channel);
      if (isNext) account.streams.push(last = { channel, symbol });
      const kept = session === null ? null : this.#books.bookOf(session, found);
      if (kept !== null && session !== null) {
        const updates = events.slice(i, i + sameBook(events, i));
        // An update that was read in part is none: what it leaves is not the exchange's book.
        if (isPartlyLost(read, found)) this.#books.withhold(updates);
        else this.#books.keep(session, kept, updates);
        i += updates.length - 1;
        continue;
      }
      if (isNext) this.#gaps.sawData(session, { channel, symbol, native: found.native_symbol });
      if (this.#isDuplicate(found, from)) account.duplicates++;
      else account.emit({ symbol, native: found.native_symbol }, found.event, found.exchange_ts);
    }
  }

  #isDuplicate(found: NormalizedEvent, { derivation, connectionId, payload }: FrameSource): boolean {
    if (!derivation.dedup.enabled) return false;
    const { exchange, session, offset, at: receivedTs } = this.#account;
    const frame = { exchange, connectionId, session, offset, receivedTs, payload };
    return this.#memory.dedup.isDuplicate(found, frame, derivation.dedup);
  }
}

/** What the sessions of frames that are looked at and not kept remember; begins empty. */
export type LookMemory = Map<SessionId, FrameMemory>;

/** Where the events of a frame or an answer come from. */
interface FrameSource {
  readonly derivation: CompiledDerivation;
  /** Null for answers that belong to none. */
  readonly session: SessionMemory | null;
  readonly connectionId: string;
  readonly payload: Uint8Array;
}

/** How many events from an index on belong to the same book. */
function sameBook(events: readonly NormalizedEvent[], start: number): number {
  const { rule, native_symbol: native } = events[start];
  let end = start + 1;
  while (end < events.length && events[end].rule === rule && events[end].native_symbol === native) end++;
  return end - start;
}

function isPartlyLost({ lostUpdates }: NormalizedFrame, { rule, native_symbol: native }: NormalizedEvent): boolean {
  return lostUpdates.some((update) => update.rule === rule && update.native_symbol === native);
}
