import {
  BOOK_BUFFERING_US_MAX,
  BOOK_LEVELS_MAX,
  BOOK_UNANCHORED_DELTAS_MAX,
  type BookDelta,
  type BookRule,
  type BookSnapshot,
  type GapCause,
  type Level,
  type Micros,
  type ResyncAction,
  STAMP_AHEAD_US_MAX,
} from "../model/mod.ts";
import type { NumberDigits } from "./checksum.ts";
import { BookChecks } from "./checks.ts";
import { deltaAt, type JoinerState, NOWHERE, pointOf, SnapshotJoiner, type TimedDelta } from "./joiner.ts";
import { OrderBook } from "./order_book.ts";
import { type ResetRun, ResetWatch } from "./reset_watch.ts";
import { junction, type SequencePoint, showsLoss, succession } from "./sequencer.ts";

/**
 * `empty`: nothing was seen. `buffering`: updates came, the book's first snapshot did not. `valid`: every update since
 * the snapshot followed the one before and every check passed. `broken`: a check failed; nothing is emitted until the
 * next snapshot.
 */
export type BookState = "empty" | "buffering" | "valid" | "broken";

/** Why a book is broken. */
export type BookFaultCause = Extract<
  GapCause,
  "sequence" | "reset" | "checksum" | "stale" | "dropped" | "undecodable"
>;

/** One event of a book feed with what the frame says about it. */
export interface BookUpdate {
  readonly event: BookSnapshot | BookDelta;
  readonly exchangeTs: Micros | null;
  /** The exchange's checksum of the book after this update; null where it sends none. */
  readonly checksum: string | null;
}

/** An event that may be emitted. */
export interface BookEmission {
  readonly event: BookSnapshot | BookDelta;
  readonly exchangeTs: Micros | null;
}

/** The end of a valid stretch, or (`recovered`) the end of the stretch that was not. */
export interface BookGap {
  readonly cause: BookFaultCause;
  /** Last good update before, and the update that showed the fault or made the book valid again. */
  readonly fromSequence: string | null;
  readonly toSequence: string | null;
  /** Receive time of the last good update before; null where there was none. */
  readonly fromTs: Micros | null;
  readonly detail: string;
  readonly recovered: boolean;
}

/** What the updates of one frame became, in order: gaps stand before what is emitted. */
export interface BookVerdict {
  readonly emit: readonly BookEmission[];
  readonly gaps: readonly BookGap[];
  /** What to do so that the book becomes valid; null where nothing is to be done. */
  readonly resync: ResyncAction | null;
  /** Updates that are not emitted as events of their own. */
  readonly withheld: number;
  /** Why a snapshot was refused; null where none was. */
  readonly refused: string | null;
}

interface MutableVerdict {
  emit: BookEmission[];
  gaps: BookGap[];
  resync: ResyncAction | null;
  withheld: number;
  refused: string | null;
}

/** A gap that no snapshot has ended. */
export interface OpenBookGap {
  readonly cause: BookFaultCause;
  readonly fromTs: Micros | null;
  readonly fromSequence: string | null;
  readonly detail: string;
}

/** A keeper's memory as plain JSON. */
export interface BookKeeperState {
  readonly state: BookState;
  readonly since: Micros | null;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
  readonly last: SequencePoint;
  readonly before: SequencePoint;
  readonly goodTs: Micros | null;
  readonly gap: OpenBookGap | null;
  readonly unanchored: number;
  readonly digits: NumberDigits | null;
  readonly run: ResetRun | null;
  readonly joiner: JoinerState;
}

/** When a frame was received, and whether deltas before the first snapshot may pass. */
interface FrameTime {
  readonly receivedTs: Micros;
  readonly mayPass: boolean;
}

/**
 * Keeps one book of one session by the rule of its feed, and says which of its updates may be emitted: only those that
 * follow from the book's snapshot without a hole, and only while the book is not crossed and its checksums agree.
 */
export class BookKeeper {
  readonly rule: BookRule;
  readonly #book = new OrderBook();
  readonly #checks: BookChecks;
  readonly #joiner: SnapshotJoiner;
  readonly #resets = new ResetWatch();
  #state: BookState = "empty";
  #since: Micros | null = null;
  #last: SequencePoint = NOWHERE;
  #before: SequencePoint = NOWHERE;
  #goodTs: Micros | null = null;
  #gap: OpenBookGap | null = null;
  /** Deltas since the book was last asked for that had no snapshot to change. */
  #unanchored = 0;

  constructor(rule: BookRule) {
    this.rule = rule;
    this.#checks = new BookChecks(rule, this.#book);
    this.#joiner = new SnapshotJoiner(rule);
  }

  get state(): BookState {
    return this.#state;
  }

  /** Receive time of the update that began the state; null before the first update. */
  get since(): Micros | null {
    return this.#since;
  }

  /** Why the book is not valid; null while it is, or has not begun to be. */
  get cause(): BookFaultCause | null {
    return this.#gap?.cause ?? null;
  }

  /** The gap that no snapshot has ended; where deltas wait for the first snapshot, the one that they are in. */
  get openGap(): OpenBookGap | null {
    if (this.#gap !== null || this.#state !== "buffering" || !this.#isJoined) return this.#gap;
    return noSnapshot(this.#since);
  }

  /** Sequence and time of the book's last update. */
  get last(): SequencePoint {
    return this.#last;
  }

  /** The levels; only to be read, and meaningful only while the state is `valid`. */
  get book(): OrderBook {
    return this.#book;
  }

  /** Whether the feed shows a missing update itself. Of other feeds the keeper has to be told (`lose`). */
  get showsLoss(): boolean {
    return this.rule.kind === "snapshots" || showsLoss(this.rule.sequence);
  }

  /**
   * Takes the updates that one frame holds for this book. They are one change: all of them are emitted or, where the book
   * they lead to fails a check, none. `mayPass`: deltas before the first snapshot may pass as they came, because there is
   * no earlier book that somebody could apply them to.
   */
  apply(updates: readonly BookUpdate[], at: FrameTime): BookVerdict {
    const verdict = newVerdict();
    const start = this.#last;
    let fault: BookFaultCause | null = null;
    let detail: string | null = null;
    for (const update of updates) {
      if (fault !== null) {
        verdict.withheld++;
        continue;
      }
      if (update.event.kind === "book_snapshot") this.#takeSnapshot(update.event, update.exchangeTs, at, verdict);
      else this.#takeDelta(update.event, update.exchangeTs, at, verdict);
      if (this.#state !== "valid" || update.checksum === null) continue;
      detail = this.#checks.checksumFault(update.checksum, update.event.kind === "book_snapshot");
      if (detail !== null) fault = "checksum";
    }
    if (this.#state !== "valid") return verdict;
    if (fault === null) {
      detail = this.#checks.crossFault() ?? this.#sizeFault();
      if (detail !== null) fault = "stale";
    }
    if (fault === null) this.#settle(at.receivedTs, verdict);
    else {
      verdict.withheld += verdict.emit.length;
      verdict.emit = [];
      const toSequence = this.#last.sequence;
      const { receivedTs } = at;
      this.#break(fault, { detail: detail ?? "", toSequence, fromSequence: start.sequence, receivedTs }, verdict);
    }
    return verdict;
  }

  /** Checks the book as it stands against a checksum that came in a frame of its own. */
  check(checksum: string, receivedTs: Micros): BookVerdict {
    const verdict = newVerdict();
    const detail = this.#state === "valid" ? this.#checks.checksumFault(checksum, false) : null;
    if (detail === null) return verdict;
    const { sequence } = this.#last;
    this.#break("checksum", { detail, toSequence: sequence, fromSequence: sequence, receivedTs }, verdict);
    return verdict;
  }

  /** Invalidates the book: updates of the session were lost, as something outside this feed shows. */
  lose(detail: string, receivedTs: Micros, cause: BookFaultCause = "sequence"): BookVerdict {
    const verdict = newVerdict();
    if (this.#state !== "valid") {
      // What was held before the loss cannot be joined any more.
      this.#joiner.restart(null);
      return verdict;
    }
    const { sequence } = this.#last;
    this.#break(cause, { detail, toSequence: null, fromSequence: sequence, receivedTs }, verdict);
    return verdict;
  }

  /** Asks again for a snapshot whose answer held none. */
  askAgain(): BookVerdict {
    const verdict = newVerdict();
    if (this.#state !== "valid") verdict.resync = this.#action;
    return verdict;
  }

  /** Returns what has to be known to go on alike, as plain JSON. */
  saveState(): BookKeeperState {
    return {
      state: this.#state,
      since: this.#since,
      ...this.#book.levels(),
      last: this.#last,
      before: this.#before,
      goodTs: this.#goodTs,
      gap: this.#gap,
      unanchored: this.#unanchored,
      digits: this.#checks.digits,
      run: this.#resets.saveState(),
      joiner: this.#joiner.saveState(),
    };
  }

  /** Goes on from what `saveState` gave. */
  restoreState(saved: BookKeeperState): void {
    this.#state = saved.state;
    this.#since = saved.since;
    this.#book.applySnapshot(saved.bids, saved.asks);
    this.#last = saved.last;
    this.#before = saved.before;
    this.#goodTs = saved.goodTs;
    this.#gap = saved.gap;
    this.#unanchored = saved.unanchored;
    this.#checks.restoreDigits(saved.digits);
    this.#resets.restoreState(saved.run);
    this.#joiner.restoreState(saved.joiner);
  }

  /** Whether snapshots come from elsewhere and deltas wait for them. */
  get #isJoined(): boolean {
    return this.rule.kind === "rest" || this.rule.kind === "requested";
  }

  #takeSnapshot(event: BookSnapshot, exchangeTs: Micros | null, at: FrameTime, verdict: MutableVerdict): void {
    const point = { sequence: event.sequence, exchangeTs: trusted(exchangeTs, at.receivedTs) };
    if (this.#isJoined) return this.#joinSnapshot(event, point, { exchangeTs, at, verdict });
    if (this.#state === "valid" && this.rule.kind === "snapshots" && this.#isLate(point)) {
      const delta = deltaAt(point);
      if (!this.#isReset(this.#orderRule, delta, at.receivedTs)) {
        verdict.withheld++;
        return;
      }
      this.#noteReset(delta, event.sequence, at.receivedTs, verdict);
    }
    this.#replace(event, point, isAhead(exchangeTs, point));
    this.#enter("valid", at.receivedTs);
    verdict.emit.push({ event, exchangeTs });
  }

  /** Of whole books only the order counts, whatever rule says how it is numbered. */
  get #orderRule(): "none" | "time" | "rising" {
    const { sequence } = this.rule;
    return sequence === "none" || sequence === "time" ? sequence : "rising";
  }

  /**
   * A whole book that was overtaken is not news. Two of the same millisecond may differ, so a time has to go back to be
   * late; a sequence that repeats is the same book sent again.
   */
  #isLate(point: SequencePoint): boolean {
    const rule = this.#orderRule;
    if (rule === "none") return false;
    if (rule === "time") {
      const before = this.#last.exchangeTs;
      return point.exchangeTs !== null && before !== null && point.exchangeTs < before;
    }
    const points = { last: this.#last, before: this.#before, resetsLower: false };
    return succession(rule, deltaAt(point), points) === "repeat";
  }

  #joinSnapshot(
    event: BookSnapshot,
    point: SequencePoint,
    { exchangeTs, at, verdict }: {
      readonly exchangeTs: Micros | null;
      readonly at: FrameTime;
      readonly verdict: MutableVerdict;
    },
  ): void {
    if (!this.#joiner.isUsable(point)) {
      verdict.withheld++;
      verdict.refused = "a snapshot without the sequence to join it by";
      if (this.#state !== "valid") verdict.resync = this.#action;
      return;
    }
    if (this.#state === "valid" && this.#joiner.isOvertaken(point, this.#last)) {
      verdict.withheld++;
      return;
    }
    const kept = this.#joiner.join(point);
    if (kept === null) {
      verdict.withheld++;
      this.#unanchored = 0;
      verdict.resync = this.#action;
      return;
    }
    this.#replace(event, point, false);
    for (const delta of kept) this.#advance(delta, false);
    this.#enter("valid", at.receivedTs);
    if (kept.length === 0) verdict.emit.push({ event, exchangeTs });
    else {
      const joined: BookSnapshot = { ...event, ...this.#book.levels(), sequence: this.#last.sequence };
      verdict.emit.push({ event: joined, exchangeTs });
    }
  }

  #takeDelta(event: BookDelta, exchangeTs: Micros | null, at: FrameTime, verdict: MutableVerdict): void {
    const delta: TimedDelta = { ...event, exchangeTs: trusted(exchangeTs, at.receivedTs) };
    if (this.#state !== "valid") return this.#holdDelta(delta, { event, exchangeTs }, at, verdict);
    const { bridge } = this.#joiner;
    // A time that cannot be true orders nothing: the update counts, and the next one is compared with the one before.
    const isUntimed = this.rule.sequence === "time" && isAhead(exchangeTs, delta);
    const outcome = isUntimed ? "next" : bridge === null ? this.#follow(delta) : this.#joinDelta(delta, bridge);
    if (outcome === "next") {
      if (bridge !== null) this.#joiner.crossBridge();
      this.#resets.clear();
      this.#advance(delta, isAhead(exchangeTs, delta));
      verdict.emit.push({ event, exchangeTs });
      return;
    }
    verdict.withheld++;
    const found = { toSequence: event.last_sequence, receivedTs: at.receivedTs };
    if (outcome === "repeat") {
      if (!this.#isReset(this.rule.sequence, delta, at.receivedTs)) return;
      const fromSequence = this.#last.sequence;
      this.#break("reset", { ...found, detail: resetDetail(this.#last, delta), fromSequence }, verdict);
    } else {
      const detail = `after ${place(this.#last)} came ${deltaPlace(delta)}`;
      // What came before the hole was emitted already; its checks are those of the frames before.
      this.#break("sequence", { ...found, detail, fromSequence: this.#last.sequence }, verdict);
    }
    if (this.#isJoined) this.#joiner.restart(delta);
  }

  #follow(delta: TimedDelta): "next" | "repeat" | "gap" {
    const points = { last: this.#last, before: this.#before, resetsLower: this.rule.resetsLower };
    return succession(this.rule.sequence, delta, points);
  }

  #joinDelta(delta: TimedDelta, snapshot: SequencePoint): "next" | "repeat" | "gap" {
    const joint = junction(this.rule, snapshot, delta);
    return joint === "old" ? "repeat" : joint === "joins" ? "next" : "gap";
  }

  /** Whether an update that is older than the book belongs to numbers that began again. */
  #isReset(rule: BookRule["sequence"], delta: TimedDelta, receivedTs: Micros): boolean {
    const expectsLate = this.#joiner.bridge !== null;
    return this.#resets.observe(rule, delta, { mark: this.#last, receivedTs, expectsLate });
  }

  /** A whole book proves itself: where numbers began again, the stretch before it is the gap, and it is over. */
  #noteReset(delta: TimedDelta, toSequence: string | null, receivedTs: Micros, verdict: MutableVerdict): void {
    const fromSequence = this.#last.sequence;
    const detail = resetDetail(this.#last, delta);
    this.#break("reset", { detail, fromSequence, toSequence, receivedTs }, verdict);
    verdict.resync = null;
  }

  #holdDelta(delta: TimedDelta, emission: BookEmission, at: FrameTime, verdict: MutableVerdict): void {
    const isFresh = this.#state === "empty";
    if (isFresh) this.#enter("buffering", at.receivedTs);
    this.#unanchored++;
    if (this.#isJoined) {
      verdict.withheld++;
      this.#joiner.hold(delta, at.receivedTs);
      if (isFresh && this.rule.kind === "requested") verdict.resync = "request";
      this.#tellNoSnapshot(at.receivedTs, verdict);
      return;
    }
    if (at.mayPass && this.#state === "buffering") verdict.emit.push(emission);
    else verdict.withheld++;
    if (this.#unanchored < BOOK_UNANCHORED_DELTAS_MAX) return;
    this.#unanchored = 0;
    if (this.#state === "buffering") {
      const detail = `no snapshot before ${BOOK_UNANCHORED_DELTAS_MAX} deltas`;
      const toSequence = delta.last_sequence;
      this.#break("stale", { detail, fromSequence: null, toSequence, receivedTs: at.receivedTs }, verdict);
    }
    verdict.resync = this.#overdueAction;
  }

  /** Deltas that wait long for their first snapshot are missing for whoever reads the events: a gap. */
  #tellNoSnapshot(receivedTs: Micros, verdict: MutableVerdict): void {
    if (this.#state !== "buffering" || this.#gap !== null) return;
    const waited = receivedTs - (this.#since ?? receivedTs);
    if (this.#unanchored < BOOK_UNANCHORED_DELTAS_MAX && waited < BOOK_BUFFERING_US_MAX) return;
    this.#gap = noSnapshot(this.#since);
    verdict.gaps.push({ ...this.#gap, toSequence: null, recovered: false });
  }

  #sizeFault(): string | null {
    const levels = Math.max(this.#book.depth("bid"), this.#book.depth("ask"));
    return levels > BOOK_LEVELS_MAX ? `${levels} levels on one side` : null;
  }

  /** `keepsTime`: the time of the update cannot be true, so the one before remains the mark. */
  #replace(event: BookSnapshot, point: SequencePoint, keepsTime: boolean): void {
    this.#book.applySnapshot(event.bids, event.asks);
    this.#before = NOWHERE;
    this.#last = keepsTime ? { ...point, exchangeTs: this.#last.exchangeTs } : point;
    this.#resets.clear();
    this.#truncate();
  }

  #advance(delta: TimedDelta, keepsTime: boolean): void {
    this.#book.applyDelta(delta.bids, delta.asks);
    this.#before = this.#last;
    const point = pointOf(delta);
    this.#last = keepsTime ? { ...point, exchangeTs: this.#last.exchangeTs } : point;
    this.#truncate();
  }

  #truncate(): void {
    if (this.rule.depth !== null) this.#book.truncate(this.rule.depth);
  }

  /** Notes that the frame's updates passed: the book is valid, and has recovered where it was broken. */
  #settle(receivedTs: Micros, verdict: MutableVerdict): void {
    this.#goodTs = receivedTs;
    this.#unanchored = 0;
    if (this.#gap === null) return;
    const { cause, fromSequence, fromTs, detail } = this.#gap;
    this.#gap = null;
    verdict.gaps.push({ cause, fromSequence, toSequence: this.#last.sequence, fromTs, detail, recovered: true });
  }

  #break(
    cause: BookFaultCause,
    found: {
      readonly detail: string;
      readonly fromSequence: string | null;
      readonly toSequence: string | null;
      readonly receivedTs: Micros;
    },
    verdict: MutableVerdict,
  ): void {
    // A new snapshot that fails its checks leaves the gap as it was.
    if (this.#gap === null) {
      const { detail, fromSequence, toSequence } = found;
      this.#gap = { cause, fromTs: this.#goodTs, fromSequence, detail };
      verdict.gaps.push({ ...this.#gap, toSequence, recovered: false });
    }
    this.#enter("broken", found.receivedTs);
    this.#book.clear();
    this.#last = NOWHERE;
    this.#before = NOWHERE;
    this.#resets.clear();
    this.#joiner.restart(null);
    this.#unanchored = 0;
    verdict.resync = this.#action;
  }

  /** Whole books recover with the next one, and so do others where the rule says so; everything else is asked for. */
  get #action(): ResyncAction | null {
    const { kind, resync } = this.rule;
    return kind === "snapshots" || resync === "wait" ? null : resync;
  }

  /** What helps where a snapshot that was to come by itself did not. */
  get #overdueAction(): ResyncAction | null {
    return this.rule.resync === "wait" ? "resubscribe" : this.#action;
  }

  #enter(state: BookState, at: Micros): void {
    if (this.#state === state) return;
    this.#state = state;
    this.#since = at;
  }
}

function newVerdict(): MutableVerdict {
  return { emit: [], gaps: [], resync: null, withheld: 0, refused: null };
}

function noSnapshot(since: Micros | null): OpenBookGap {
  return { cause: "stale", fromTs: since, fromSequence: null, detail: "no snapshot" };
}

/** The exchange's time of an update; null where it lies so far ahead of its receipt that it cannot be true. */
function trusted(exchangeTs: Micros | null, receivedTs: Micros): Micros | null {
  return exchangeTs !== null && exchangeTs - receivedTs > STAMP_AHEAD_US_MAX ? null : exchangeTs;
}

/** Whether an update has a time that is not trusted. */
function isAhead(exchangeTs: Micros | null, point: { readonly exchangeTs: Micros | null }): boolean {
  return exchangeTs !== null && point.exchangeTs === null;
}

function resetDetail(mark: SequencePoint, delta: TimedDelta): string {
  return `numbers began again: after ${place(mark)} came ${deltaPlace(delta)}`;
}

function place({ sequence, exchangeTs }: SequencePoint): string {
  return sequence ?? (exchangeTs === null ? "nothing" : `time ${exchangeTs}`);
}

function deltaPlace(delta: TimedDelta): string {
  const { first_sequence: first, last_sequence: last, previous_sequence: previous } = delta;
  if (last === null) return delta.exchangeTs === null ? "one without a number" : `time ${delta.exchangeTs}`;
  const from = first === null || first === last ? "" : `${first} to `;
  return `${from}${last}${previous === null ? "" : ` after ${previous}`}`;
}
