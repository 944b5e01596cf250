import { type FrameRecord, type HttpRecord, readBookDifference, type SessionId, type Stream } from "../model/mod.ts";
import { type FrameEvents, FrameMemory, type NormalizedEvent, type NormalizedFrame } from "../normalize/mod.ts";
import type { PipelineResult, RecordAccount } from "./account.ts";
import type { BookStage } from "./book_stage.ts";
import type { ConnectionGaps } from "./connection_gaps.ts";
import type { FillStage } from "./fill_stage.ts";
import type { GapStage } from "./gap_stage.ts";
import type { CompiledDerivation, Plans } from "./plan_store.ts";
import type { SessionMemory } from "./session_memory.ts";
import type { SiblingStage } from "./sibling_stage.ts";
import type { StateStage } from "./state_stage.ts";

/** The stages that a frame passes, and what they share. */
export interface FrameStageOptions {
  readonly account: RecordAccount;
  readonly plans: Plans;
  readonly state: StateStage;
  readonly gaps: GapStage;
  readonly whole: ConnectionGaps;
  readonly books: BookStage;
  readonly fills: FillStage;
  readonly siblings: SiblingStage;
}

/**
 * Processes received bytes in this order: read the frame by the session's plan, check its counter, invalidate books
 * whose updates were lost; then, event by event, apply book updates to their keepers, and for other events close gaps
 * and drop duplicates; finally check checksums sent in frames of their own, and report faults.
 */
export class FrameStage {
  readonly #account: RecordAccount;
  readonly #plans: Plans;
  readonly #state: StateStage;
  readonly #gaps: GapStage;
  readonly #whole: ConnectionGaps;
  readonly #books: BookStage;
  readonly #fills: FillStage;
  readonly #siblings: SiblingStage;

  constructor({ account, plans, state, gaps, whole, books, fills, siblings }: FrameStageOptions) {
    this.#account = account;
    this.#plans = plans;
    this.#state = state;
    this.#gaps = gaps;
    this.#whole = whole;
    this.#books = books;
    this.#fills = fills;
    this.#siblings = siblings;
  }

  /** Turns a frame into events. */
  frame(record: FrameRecord): void {
    const session = this.#state.memory.sessions.get(record.session);
    if (session === undefined) return this.#whole.orphan(record);
    const account = this.#account;
    account.exchange = session.exchange;
    account.session = session.id;
    const { derivation } = session;
    if (derivation === null) return this.#whole.underived(session, record.payload);
    const { payload, binary, at: receivedTs } = record;
    const { connectionId, books } = session;
    const read = derivation.normalizer.read({ connectionId, payload, binary, receivedTs }, session.frames);
    if (read.socketSequence !== null && books !== null) this.#books.countFrame(session, books, read.socketSequence);
    session.lastTs = receivedTs;
    if (books !== null && read.lostUpdates.length > 0) this.#books.loseUpdates(session, books, read.lostUpdates);
    this.#emit(read, { derivation, session, connectionId, payload });
    if (books !== null && read.checksums.length > 0) this.#books.check(session, books, read.checksums);
    if (read.faults.length > 0) this.#whole.faulty(session, read);
  }

  /** Reads a page of history, or the beginning or end of a stretch. */
  #history(record: HttpRecord, derivation: CompiledDerivation): void {
    if (record.status === 0) return this.#fills.marked(record);
    const { exchange, request, native, body, at: receivedTs } = record;
    const fill = this.#state.memory.fills.find(exchange, request, native);
    const origin = fill === null ? {} : { connectionId: fill.connectionId, symbol: fill.symbol };
    const input = { hasSession: false, request, native, body, receivedTs, ...origin };
    const read = derivation.normalizer.readHttp(input, this.#state.memory.pollsOf(exchange));
    this.#account.isAnswer = read.isAnswer;
    this.#fills.page(record, read, derivation);
    if (read.faults.length > 0) this.#whole.faulty(null, read);
  }

  /** Reads a page of an instrument list. */
  #list(record: HttpRecord, derivation: CompiledDerivation): void {
    const { exchange, request, body, at: receivedTs } = record;
    const read = derivation.normalizer.readList({ request, body, receivedTs }, this.#state.memory.pollsOf(exchange));
    this.#emit(read, { derivation, session: null, connectionId: "", payload: body });
    if (read.faults.length > 0) this.#whole.faulty(null, read);
  }

  /** Turns the answer to a request into events. */
  http(record: HttpRecord): void {
    const account = this.#account;
    account.exchange = record.exchange;
    if (record.status !== 200 && record.status !== 0) return;
    const session = record.session === null ? null : this.#state.memory.sessions.get(record.session) ?? null;
    account.session = record.session ?? 0;
    const derivation = session?.derivation ??
      this.#plans.resolve({ exchange: record.exchange, planHash: record.planHash, descriptorHash: "" });
    if (derivation?.fills.has(record.request) === true) return this.#history(record, derivation);
    if (derivation?.normalizer.readsList(record.request) === true) return this.#list(record, derivation);
    if (record.status === 0) this.#state.memory.answers.follow(record);
    if (derivation === null) return this.#whole.underived(session, record.body);
    if (record.status === 0 && session !== null) {
      const difference = readBookDifference(record.body);
      if (difference !== null) return this.#books.differs(session, record, difference.detail);
    }
    if (record.status === 0) return this.#gaps.pollMissed(record, derivation);
    const connectionId = session?.connectionId ?? null;
    const memory: FrameMemory = session?.frames ?? this.#state.memory.pollsOf(record.exchange);
    const { request, native, body, at: receivedTs } = record;
    const input = { hasSession: session !== null, connectionId, request, native, body, receivedTs };
    const read = derivation.normalizer.readHttp(input, memory);
    account.isAnswer = read.isAnswer;
    if (read.isAnswer && record.session === null) this.#state.memory.answers.follow(record);
    this.#emit(read, { derivation, session, connectionId: connectionId ?? "", payload: body });
    if (read.faults.length > 0) this.#whole.faulty(null, read);
  }

  /**
   * Reads a frame that is not in the journal, without changing the pipeline's memory: returns its signal, streams and
   * events. `scratch` holds the memory of sessions for such frames, and is filled here.
   */
  look(record: FrameRecord, scratch: LookMemory): PipelineResult {
    const account = this.#account;
    account.begin(0, record.at);
    const session = this.#state.memory.sessions.get(record.session);
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
    account.adopt(read);
    const { batch, channels } = read.found;
    for (let event = 0; event < batch.length; event++) {
      const channel = channels[event];
      if (channel !== null) account.streams.push({ channel, symbol: batch.symbols[event] });
      account.pass(batch, event);
    }
    return account;
  }

  /** Reads an answer that is not in the journal, without changing state; null if it does not answer the request. */
  lookHttp(record: HttpRecord, { connectionId, symbol }: AnswerOrigin): readonly NormalizedEvent[] | null {
    const { exchange, planHash, request, native, body, at: receivedTs } = record;
    const derivation = this.#plans.resolve({ exchange, planHash, descriptorHash: "" });
    if (derivation === null || record.status !== 200) return null;
    const input = { hasSession: false, request, native, body, receivedTs, connectionId, symbol };
    const { isAnswer, events } = derivation.normalizer.readHttp(input, new FrameMemory());
    return isAnswer ? events : null;
  }

  /** Runs the stages after reading, event by event. */
  #emit(read: NormalizedFrame, from: FrameSource): void {
    const account = this.#account;
    account.adopt(read);
    const { session } = from;
    const { found } = read;
    const { batch, channels } = found;
    let last: Stream | null = null;
    let hasLeft = false;
    for (let event = 0; event < batch.length; event++) {
      const channel = channels[event];
      const symbol = batch.symbols[event];
      const isNext = channel !== null && (last === null || last.symbol !== symbol || last.channel !== channel);
      if (isNext) {
        account.streams.push(last = { channel, symbol });
        hasLeft = session !== null && session.hasLeft(channel, symbol);
      } else if (channel === null) hasLeft = false;
      // Its book is no longer kept.
      if (hasLeft && session !== null && this.#books.keeps(session, found, event)) {
        this.#books.withhold(batch, event, event + 1);
        continue;
      }
      const kept = session === null ? null : this.#books.bookOf(session, found, event);
      if (kept !== null && session !== null) {
        const end = sameBook(found, event);
        // An update that was read only in part must not be applied: the result would not be the exchange's book.
        if (isPartlyLost(read, event)) this.#books.withhold(batch, event, end);
        else this.#books.keep(session, kept, { found, start: event, end });
        event = end - 1;
        continue;
      }
      if (isNext) this.#gaps.sawData(session, { channel, symbol, native: batch.nativeSymbols[event] });
      if (!this.#isFirst(session, found, event) || this.#isDuplicate(found, event, from)) account.duplicates++;
      else {
        account.pass(batch, event);
        if (session !== null && channel !== null && !hasLeft && from.derivation.followed?.has(channel) === true) {
          this.#fills.saw(session, from.derivation, channel);
        }
      }
    }
  }

  /** Whether no other socket of the connection has shown the event. */
  #isFirst(session: SessionMemory | null, found: FrameEvents, event: number): boolean {
    const group = session?.siblings ?? null;
    if (session === null || group === null || !group.isShared(this.#account.at)) return true;
    return this.#siblings.passes(session, group, found, event);
  }

  #isDuplicate(found: FrameEvents, event: number, { derivation, connectionId, payload }: FrameSource): boolean {
    if (!derivation.dedup.enabled) return false;
    const { exchange, session, offset, at: receivedTs } = this.#account;
    const frame = { exchange, connectionId, session, offset, receivedTs, payload };
    return this.#state.memory.dedup.isDuplicate(found.at(event), frame, derivation.dedup);
  }
}

/** The stream that an answer was requested for. */
export interface AnswerOrigin {
  readonly connectionId: string;
  readonly symbol: string;
}

/** Memory of sessions for frames that are read but not in the journal. The caller passes an empty map at first. */
export type LookMemory = Map<SessionId, FrameMemory>;

/** Where the events of a frame or an answer come from. */
interface FrameSource {
  readonly derivation: CompiledDerivation;
  /** Null for answers that belong to no session. */
  readonly session: SessionMemory | null;
  readonly connectionId: string;
  readonly payload: Uint8Array;
}

/** Returns the end of the run of events, from `start` on, that belong to the same book. */
function sameBook({ rules, batch }: FrameEvents, start: number): number {
  const rule = rules[start];
  const native = batch.nativeSymbols[start];
  let end = start + 1;
  while (end < batch.length && rules[end] === rule && batch.nativeSymbols[end] === native) end++;
  return end;
}

function isPartlyLost({ lostUpdates, found }: NormalizedFrame, event: number): boolean {
  if (lostUpdates.length === 0) return false;
  const [rule, native] = [found.rules[event], found.batch.nativeSymbols[event]];
  return lostUpdates.some((update) => update.rule === rule && update.native_symbol === native);
}
