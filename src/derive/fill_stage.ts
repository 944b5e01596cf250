import {
  type Channel,
  EXAMPLE_CHARS_MAX,
  FILL_EVENTS_MAX,
  type FillEnd,
  type FillRule,
  type FillWish,
  type HttpRecord,
  type LastSeen,
  LATE_COPY_US,
  LATE_HOLES_MAX,
  type Micros,
  readFillEnd,
  readFillWish,
  type Stream,
  type ToldGap,
} from "../model/mod.ts";
import type { NormalizedFrame } from "../normalize/mod.ts";
import type { EventPlace, RecordAccount } from "./account.ts";
import { compareIds, eventMark, type Fill, idsBetween, idStep, type Mark, markOf, placeOf } from "./fill.ts";
import { advance, type EndedGap, type LateHole, noteAhead, noteWhole, type Tail } from "./fill_ledger.ts";
import { closedGap } from "./gaps.ts";
import type { PipelineMemory } from "./pipeline_memory.ts";
import type { CompiledDerivation } from "./plan_store.ts";
import type { SessionMemory } from "./session_memory.ts";

/**
 * Whether several sockets show the streams of a session, so that another one may bring a little later what one has
 * lost.
 */
function isShared({ siblings }: SessionMemory, at: Micros): boolean {
  return siblings !== null && siblings.isShared(at);
}

/** A stream that can be filled, with its native symbol. */
interface FilledStream extends EventPlace {
  readonly channel: Channel;
}

/**
 * Fills gaps of streams. Remembers the last event of each stream. When a gap has ended, the stretch between that event
 * and the first one after the gap is to be fetched; from the answers it emits the events that are not known yet. A jump
 * in consecutive ids is a gap too.
 */
export class FillStage {
  readonly #account: RecordAccount;
  readonly #memory: () => PipelineMemory;
  /** Cache of the last look-up, because the next event is mostly of the same stream. */
  #lastTail: Tail | null = null;
  #lastSymbol = "";
  #lastChannel: Channel | null = null;
  #lastExchange = "";
  #lastMemory: PipelineMemory | null = null;

  constructor(account: RecordAccount, memory: () => PipelineMemory) {
    this.#account = account;
    this.#memory = memory;
  }

  /** Notes that a gap of a stream has ended: its next event is the first after the gap. */
  gapEnded(session: SessionMemory, { channel, symbol }: FilledStream, gap: EndedGap): void {
    if (session.derivation?.followed?.has(channel) !== true) return;
    this.#memory().fills.tailOf(session.exchange, symbol, channel)?.ended.push(gap);
  }

  /** Stops following a stream that is no longer subscribed to: what it misses from now on is not fetched. */
  forget(exchange: string, { channel, symbol }: Stream): void {
    this.#memory().fills.forget(exchange, symbol, channel);
    this.#lastTail = null;
  }

  /**
   * Takes over a stream that another collector had until this event: the next event is compared with it, unless this
   * collector has a later one.
   */
  takeOver(exchange: string, { channel, symbol, id, ts }: LastSeen, receivedTs: Micros): void {
    const { fills } = this.#memory();
    const own = fills.tailOf(exchange, symbol, channel);
    if (own !== null && own.last.ts >= ts) return;
    const ids = channel === "trades" && id !== null ? [id] : [];
    fills.follow({ exchange, symbol, channel }, { last: { id, ts }, receivedTs, ids, ended: own?.ended ?? [] });
    this.#lastTail = null;
  }

  /** Follows an emitted event of a followed stream, which may be the first after a gap or after missing ids. */
  saw(session: SessionMemory, derivation: CompiledDerivation, channel: Channel): void {
    const account = this.#account;
    const { events, exchange } = account;
    const event = events.length - 1;
    const mark = markOf(events, event);
    if (mark === null) return;
    const symbol = events.symbols[event];
    const tail = this.#tailOf(exchange, symbol, channel);
    const isTrade = channel === "trades";
    const keepsIds = isTrade && derivation.tradeIds === null;
    const receivedTs = account.at;
    if (tail === null) {
      const ids = keepsIds && mark.id !== null ? [mark.id] : [];
      this.#memory().fills.follow({ exchange, symbol, channel }, { last: mark, receivedTs, ids, ended: [] });
      return;
    }
    // Almost every trade: the next id, and nothing else is going on.
    if (isTrade && tail.ended.length === 0 && tail.holes === undefined && isNextTrade(mark, tail.last, derivation)) {
      tail.last = mark;
      tail.receivedTs = receivedTs;
      if (tail.ahead !== undefined) delete tail.ahead;
      return;
    }
    const at = { stream: { channel, symbol, native: events.nativeSymbols[event] }, tail, to: mark };
    const isOld = isTrade ? isOldTrade(mark, tail.last, derivation) : mark.ts < tail.last.ts;
    if (tail.ended.length > 0) this.#begin(session, derivation, at);
    else if (isTrade && derivation.tradeIds === "consecutive") this.#followIds(session, derivation, { ...at, isOld });
    // A late or repeated event does not become the last one.
    if (!isOld) advance(tail, mark, { receivedTs, keepsIds });
  }

  /** Reads a page of history: emits missing events, and the gap as `filled` if nothing is missing any more. */
  page(record: HttpRecord, read: NormalizedFrame, derivation: CompiledDerivation): void {
    const account = this.#account;
    account.adopt(read);
    const fill = this.#memory().fills.find(record.exchange, record.request, record.native);
    if (fill === null) return;
    const rows = this.#rowsOf(read, fill);
    const others = this.#memory().fills.others(fill);
    const tail = fill.cause === null ? this.#memory().fills.tailOf(fill.exchange, fill.symbol, fill.channel) : null;
    let lacksIds = false;
    let [oldest, newest]: (Mark | null)[] = [null, null];
    for (const { mark, emit } of rows) {
      oldest ??= mark;
      newest = mark;
      lacksIds ||= mark.id === null;
      const place = placeOf(mark, fill, fill.channel === "trades" ? derivation.tradeIds : "rising");
      if (place === "before") fill.isFromMet = true;
      if (place === "behind") fill.isToMet = true;
      if (fill.cause === null && (place === "inside" || place === "unknown")) fill.last = newerOf(fill.last, mark);
      if (place !== "inside" || mark.id === null || fill.filled >= FILL_EVENTS_MAX) continue;
      for (const each of [fill, ...others]) each.known.add(mark.id);
      if (tail !== null) noteAhead(tail, mark);
      fill.filled++;
      if (fill.newest === null || mark.ts > fill.newest) fill.newest = mark.ts;
      emit();
    }
    if (derivation.tradeIds === "consecutive" && fill.channel === "trades" && fill.cause !== null) {
      followIds(fill, fill.filled);
    }
    // A stretch on demand has no known ends: its requester decides when it is complete.
    const isFilled = fill.cause !== null && fill.isFromMet && fill.isToMet && fill.filled < FILL_EVENTS_MAX &&
      !lacksIds &&
      this.#isWhole(fill, derivation);
    const { gapId, isFromMet, isToMet, filled } = fill;
    account.page = { gapId, rows: rows.length, oldest, newest, isFromMet, isToMet, isFilled, lacksIds, filled };
    if (!isFilled) return;
    this.#emitFilled(fill, `${filled} fetched`);
  }

  /** Reads an `http` record with status 0: it begins a stretch on demand, or ends a stretch. */
  marked(record: HttpRecord): void {
    const wish = readFillWish(record.body);
    if (wish !== null) return this.#want(record, wish);
    const end = readFillEnd(record.body);
    if (end !== null) this.#ended(record, end);
  }

  /** Begins a stretch on demand. Events of it that were fetched before are known by their ids. */
  #want({ exchange, request, native }: HttpRecord, wish: FillWish): void {
    const { connectionId, channel, symbol, from, to, known, gaps } = wish;
    const account = this.#account;
    const fill: Fill = {
      gapId: `${account.offset}-0`,
      ...{ exchange, connectionId, request, channel, symbol, native },
      ...{ from, to },
      cause: null,
      gaps,
      gapFrom: null,
      gapTo: account.at,
      known: new Set(known),
      filled: 0,
      isFromMet: false,
      isToMet: false,
      newest: null,
    };
    if (this.#memory().fills.add(fill)) account.fills.push(fill);
  }

  /** Ends a stretch for which nothing more is requested: emits how much was filled, and why the rest is missing. */
  #ended(record: HttpRecord, end: FillEnd): void {
    const { fills } = this.#memory();
    const fill = fills.fills.find(({ exchange, gapId, request, native }) =>
      exchange === record.exchange && gapId === end.gapId && request === record.request && native === record.native
    );
    if (fill === undefined) return;
    if (end.isFilled) {
      const tail = fill.cause === null ? fills.tailOf(fill.exchange, fill.symbol, fill.channel) : null;
      const range = { from: fill.from.ts, to: fill.to.ts, newest: fill.last ?? null };
      if (tail !== null) noteWhole(tail, range);
      return this.#emitFilled(fill, `${fill.filled} fetched`);
    }
    fills.remove(fill);
    // Gaps that a stretch on demand did not fill stay as they were emitted.
    if (fill.filled === 0 && fill.gaps !== undefined) return;
    const action = fill.filled > 0 ? "filled in part" : "not filled";
    const detail = `${fill.filled} fetched: ${end.reason}`.slice(0, EXAMPLE_CHARS_MAX);
    this.#emitEnd(fill, { detail, action, isFilled: false });
  }

  /** Returns the rows of a page that belong to the stretch's stream, oldest first. */
  #rowsOf(read: NormalizedFrame, fill: Fill): readonly { readonly mark: Mark; readonly emit: () => void }[] {
    const account = this.#account;
    const rows: { readonly mark: Mark; readonly emit: () => void }[] = [];
    for (const { channel, symbol, native_symbol: native, event, exchange_ts: exchangeTs } of read.events) {
      if (channel !== fill.channel || symbol !== fill.symbol) continue;
      const mark = eventMark(event, exchangeTs ?? account.at);
      if (mark === null) continue;
      const emit = () => {
        account.emit({ symbol, native }, event, exchangeTs);
        account.events.markBackfilled(account.events.length - 1);
      };
      rows.push({ mark, emit });
    }
    return rows.sort((a, b) =>
      a.mark.ts - b.mark.ts ||
      (a.mark.id === null || b.mark.id === null ? 0 : compareIds(a.mark.id, b.mark.id) ?? 0)
    );
  }

  /** Whether all consecutive ids were fetched; true for other ids, whose number is unknown. */
  #isWhole({ channel, cause, from, to, filled }: Fill, { tradeIds }: CompiledDerivation): boolean {
    if (cause === null || channel !== "trades" || tradeIds !== "consecutive" || from.id === null || to.id === null) {
      return true;
    }
    const missing = idsBetween(from.id, to.id);
    return missing === null || missing <= BigInt(filled);
  }

  /** Begins the stretch between the last event and `to`, the first one after the ended gaps. */
  #begin(session: SessionMemory, derivation: CompiledDerivation, at: Begin): void {
    const { tail, stream, to } = at;
    const { ended } = tail;
    tail.ended = [];
    const rule = ruleOf(session, derivation, stream.channel);
    if (rule === null) return;
    // Gaps that end together have the same stretch, under the id of one of them: that of a take-over if there is one,
    // because its stretch begins after the other collector's last event.
    const gap = ended.find(({ cause }) => cause === "takeover") ?? ended[0];
    this.#fill(session, derivation, { ...at, gap, rule, to });
  }

  /**
   * Finds missing ids of a stream with consecutive ids. If several sockets show the stream, waits for late copies
   * first.
   */
  #followIds(session: SessionMemory, derivation: CompiledDerivation, at: Begin & { readonly isOld: boolean }): void {
    const { tail, to, isOld } = at;
    const { at: now } = this.#account;
    const isLate = isShared(session, now);
    if (tail.holes !== undefined) {
      const waiting = tail.holes.filter((hole) => {
        if (to.id !== null && isBetween(to.id, hole)) hole.ids.push(to.id);
        if (missingOf(hole) <= 0n) return false;
        if (isLate && now - hole.toTs <= LATE_COPY_US) return true;
        this.#emitMissingIds(session, derivation, at, hole);
        return false;
      });
      if (waiting.length > 0) tail.holes = waiting;
      else delete tail.holes;
    }
    if (isOld || tail.last.id === null || to.id === null) return;
    const hole: LateHole = { from: tail.last, to, fromTs: tail.receivedTs, toTs: now, ids: [] };
    if (missingOf(hole) <= 0n) return;
    const waiting = tail.holes ?? [];
    if (isLate && waiting.length < LATE_HOLES_MAX) tail.holes = [...waiting, hole];
    else this.#emitMissingIds(session, derivation, at, hole);
  }

  #emitMissingIds(session: SessionMemory, derivation: CompiledDerivation, at: Begin, hole: LateHole): void {
    const { stream, tail } = at;
    const { from, to, fromTs, toTs, ids } = hole;
    const detail = `${missingOf(hole)} trades are missing: id ${to.id} follows ${from.id}`;
    const rule = ruleOf(session, derivation, stream.channel);
    const action = rule === null ? "counted" : "fetched";
    const cause = "sequence";
    const gap = closedGap({
      stream: stream.channel,
      cause,
      from: fromTs,
      to: toTs,
      fromSequence: from.id,
      toSequence: to.id,
      detail,
      action,
    });
    const gapId = this.#account.emitGap(stream, gap);
    if (rule === null) return;
    const known = { ...tail, last: from, ids: ids.length === 0 ? tail.ids : ids };
    const ended = { gapId, cause, from: fromTs, to: toTs } as const;
    this.#fill(session, derivation, { stream, tail: known, to, rule, gap: ended }, ids.length);
  }

  #fill(
    session: SessionMemory,
    derivation: CompiledDerivation,
    at: Begin & {
      readonly gap: EndedGap;
      readonly rule: FillRule;
    },
    late = 0,
  ): void {
    const { stream, tail, to, gap, rule } = at;
    const { exchange } = this.#account;
    const { channel, symbol, native } = stream;
    const fill: Fill = {
      gapId: gap.gapId,
      exchange,
      connectionId: session.connectionId,
      request: rule.request,
      channel,
      symbol,
      native,
      from: tail.last,
      to,
      cause: gap.cause,
      gapFrom: gap.from,
      gapTo: gap.to,
      known: new Set(tail.ahead === undefined ? tail.ids : [...tail.ids, ...tail.ahead.ids]),
      filled: late,
      isFromMet: rule.leavesOut === "from",
      isToMet: rule.leavesOut === "to",
      newest: null,
    };
    if (isNothingMissing(fill, derivation)) return this.#emitFilled(fill, "nothing was missed");
    if (this.#memory().fills.add(fill)) this.#account.fills.push(fill);
    else this.#emitTooMany(fill);
  }

  #emitFilled(fill: Fill, detail: string): void {
    this.#memory().fills.remove(fill);
    this.#emitEnd(fill, { detail, action: "filled", isFilled: true });
  }

  #emitTooMany(fill: Fill): void {
    this.#emitEnd(fill, {
      detail: "too many stretches wait to be filled",
      action: "not filled",
      isFilled: false,
    });
  }

  /** Emits each gap of a stretch once more, as filled or closed. */
  #emitEnd(fill: Fill, { detail, action, isFilled }: {
    readonly detail: string;
    readonly action: string;
    readonly isFilled: boolean;
  }): void {
    const sequences = fill.cause === null ? {} : { fromSequence: fill.from.id, toSequence: fill.to.id };
    for (const { gapId, cause, from, to } of gapsOf(fill)) {
      const gap = closedGap({ stream: fill.channel, cause, from, to, ...sequences, detail, action });
      this.#account.emitGap(fill, isFilled ? { ...gap, state: "filled" } : gap, gapId);
    }
  }

  #tailOf(exchange: string, symbol: string, channel: Channel): Tail | null {
    const memory = this.#memory();
    if (
      this.#lastTail !== null && this.#lastSymbol === symbol && this.#lastChannel === channel &&
      this.#lastExchange === exchange && this.#lastMemory === memory
    ) return this.#lastTail;
    const tail = memory.fills.tailOf(exchange, symbol, channel);
    this.#lastTail = tail;
    this.#lastSymbol = symbol;
    this.#lastChannel = channel;
    this.#lastExchange = exchange;
    this.#lastMemory = memory;
    return tail;
  }
}

function newerOf(a: Mark | undefined, b: Mark): Mark {
  return a === undefined || b.ts >= a.ts ? b : a;
}

/** Returns the gaps of a stretch: its own, or those given to a stretch on demand. */
function gapsOf({ gapId, cause, gapFrom: from, gapTo: to, gaps }: Fill): readonly ToldGap[] {
  return gaps ?? (cause === null ? [] : [{ gapId, cause, from, to }]);
}

/** Returns the number of ids still missing; zero if ids are no numbers. */
function missingOf({ from, to, ids }: LateHole): bigint {
  if (from.id === null || to.id === null) return 0n;
  return (idsBetween(from.id, to.id) ?? 0n) - BigInt(ids.length);
}

function isBetween(id: string, { from, to }: LateHole): boolean {
  if (from.id === null || to.id === null) return false;
  return (compareIds(id, from.id) ?? 0) > 0 && (compareIds(id, to.id) ?? 0) < 0;
}

interface Begin {
  readonly stream: FilledStream;
  readonly tail: Tail;
  readonly to: Mark;
}

function ruleOf(session: SessionMemory, { frames }: CompiledDerivation, channel: Channel): FillRule | null {
  return frames.fills?.find((rule) => rule.channel === channel && rule.connectionId === session.connectionId) ?? null;
}

/** Whether a trade is the last one or before it; false if ids do not tell. */
function isOldTrade({ id }: Mark, last: Mark, { tradeIds }: CompiledDerivation): boolean {
  if (tradeIds === null || id === null || last.id === null) return false;
  const order = compareIds(id, last.id);
  return order !== null && order <= 0;
}

/** Whether a trade follows the last one by its id and none is missing between them; false also if that takes long to tell. */
function isNextTrade({ id }: Mark, last: Mark, { tradeIds }: CompiledDerivation): boolean {
  if (tradeIds === null || id === null || last.id === null) return false;
  const step = idStep(last.id, id);
  return tradeIds === "consecutive" ? step === 1 : step > 0;
}

/** Whether nothing lies between the last event before a gap and the first one after it. */
function isNothingMissing({ channel, from, to, known }: Fill, derivation: CompiledDerivation): boolean {
  if (channel !== "trades") return to.ts <= from.ts;
  if (from.id === null || to.id === null) return false;
  if (derivation.tradeIds === null) return known.has(to.id);
  if (isOldTrade(to, from, derivation)) return true;
  return derivation.tradeIds === "consecutive" && idsBetween(from.id, to.id) === 0n;
}

/** Marks both ends as reached if all consecutive ids between them were fetched. */
function followIds(fill: Fill, filled: number): void {
  if (fill.from.id === null || fill.to.id === null) return;
  const missing = idsBetween(fill.from.id, fill.to.id);
  if (missing === null || missing > BigInt(filled)) return;
  fill.isFromMet = true;
  fill.isToMet = true;
}
