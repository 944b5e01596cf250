import {
  BOOK_LEVELS_MAX,
  BOOK_UNANCHORED_DELTAS_MAX,
  type BookRule,
  type Level,
  type LevelColumns,
  type Micros,
  type ResyncAction,
} from "../model/mod.ts";
import type { NumberDigits } from "./checksum.ts";
import { BookChecks } from "./checks.ts";
import { deltaAt, type JoinerState, SnapshotJoiner, type TimedDelta } from "./joiner.ts";
import { OrderBook } from "./order_book.ts";
import { type LedgerEntry, OrderLedger } from "./order_ledger.ts";
import { BookPosition, deltaPlace, isAhead, place, type PositionState, resetDetail, trusted } from "./position.ts";
import { type SequencePoint, showsLoss } from "./sequencer.ts";
import { type BookFault, type BookState, BookValidity, type OpenBookGap, type ValidityState } from "./validity.ts";
import {
  type BookEmission,
  type BookFaultCause,
  type BookUpdate,
  type BookVerdict,
  type DeltaEvent,
  type MutableVerdict,
  newVerdict,
  type SnapshotEvent,
} from "./verdict.ts";

/** A keeper's memory as plain JSON. */
export interface BookKeeperState extends ValidityState, PositionState {
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
  readonly digits: NumberDigits | null;
  readonly joiner: JoinerState;
  readonly orders?: readonly LedgerEntry[];
}

/** A copy of a keeper's memory: its levels as columns, all else as plain JSON. */
export interface CopiedKeeper {
  readonly bids: LevelColumns;
  readonly asks: LevelColumns;
  readonly rest: Omit<BookKeeperState, "bids" | "asks">;
}

/** When a frame was received, and whether deltas before the first snapshot are emitted. */
interface FrameTime {
  readonly receivedTs: Micros;
  readonly mayPass: boolean;
}

/**
 * Keeps one book of one session by the rule of its feed and decides which of its updates are emitted: only those that
 * follow the book's snapshot without a gap, and only while the book is not crossed and its checksums agree.
 */
export class BookKeeper {
  readonly rule: BookRule;
  readonly #book = new OrderBook();
  /** The orders of a feed of single orders; empty for other feeds. */
  readonly #orders = new OrderLedger();
  #orderFault: string | null = null;
  readonly #checks: BookChecks;
  readonly #joiner: SnapshotJoiner;
  readonly #position: BookPosition;
  readonly #validity = new BookValidity();
  /** Callbacks to run before the next change. */
  #lookers: (() => void)[] = [];

  constructor(rule: BookRule) {
    this.rule = rule;
    this.#checks = new BookChecks(rule, this.#book);
    this.#joiner = new SnapshotJoiner(rule);
    this.#position = new BookPosition(rule);
  }

  get state(): BookState {
    return this.#validity.state;
  }

  /** Receive time of the update that began the state; null before the first update. */
  get since(): Micros | null {
    return this.#validity.since;
  }

  /** Why the book is not valid; null if it is valid, or was not valid yet. */
  get cause(): BookFaultCause | null {
    return this.#validity.gap?.cause ?? null;
  }

  /** The open gap; while deltas wait for the first snapshot, their gap. Null if there is none. */
  get openGap(): OpenBookGap | null {
    const { gap, state } = this.#validity;
    return gap === null && state === "buffering" && this.#isJoined ? this.#validity.waiting() : gap;
  }

  /** Sequence and time of the book's last update. */
  get last(): SequencePoint {
    return this.#position.last;
  }

  /** The levels: read-only, and meaningful only while the state is `valid`. */
  get book(): OrderBook {
    return this.#book;
  }

  /** Whether the feed itself shows missing updates. For other feeds the caller must report them (`invalidate`). */
  get showsLoss(): boolean {
    return this.rule.kind === "snapshots" || showsLoss(this.rule.sequence);
  }

  /**
   * Applies the updates that one frame has for this book. They are one change: all are emitted or, if the resulting
   * book fails a check, none. `mayPass`: deltas before the first snapshot are emitted unchecked, because there is no
   * earlier book to which a consumer could wrongly apply them.
   */
  apply(updates: readonly BookUpdate[], at: FrameTime): BookVerdict {
    this.#callLookers();
    const verdict = newVerdict();
    const start = this.#position.last;
    let fault: BookFaultCause | null = null;
    let detail: string | null = null;
    for (const update of updates) {
      if (fault !== null) {
        verdict.withheld++;
        continue;
      }
      if (update.event.kind === "book_snapshot") this.#applySnapshot(update.event, update.exchangeTs, at, verdict);
      else this.#applyDelta(update.event, update.exchangeTs, at, verdict);
      if (!this.#validity.isValid || update.checksum === null) continue;
      detail = this.#checks.checksumFault(update.checksum, update.event.kind === "book_snapshot");
      if (detail !== null) fault = "checksum";
    }
    if (!this.#validity.isValid) return verdict;
    if (fault === null) {
      detail = this.#takeOrderFault() ?? this.#checks.crossFault() ?? this.#sizeFault();
      if (detail !== null) fault = "stale";
    }
    if (fault === null) this.#validity.markRecovered(at.receivedTs, this.#position.last.sequence, verdict);
    else {
      verdict.withheld += verdict.emit.length;
      verdict.emit = [];
      const toSequence = this.#position.last.sequence;
      const { receivedTs } = at;
      this.#break(fault, { detail: detail ?? "", toSequence, fromSequence: start.sequence, receivedTs }, verdict);
    }
    return verdict;
  }

  /** Checks the book against a checksum that came in a frame of its own. */
  check(checksum: string, receivedTs: Micros): BookVerdict {
    this.#callLookers();
    const verdict = newVerdict();
    const detail = this.#validity.isValid ? this.#checks.checksumFault(checksum, false) : null;
    if (detail === null) return verdict;
    const { sequence } = this.#position.last;
    this.#break("checksum", { detail, toSequence: sequence, fromSequence: sequence, receivedTs }, verdict);
    return verdict;
  }

  /** Invalidates the book, because something outside its feed shows that updates of the session were lost. */
  invalidate(detail: string, receivedTs: Micros, cause: BookFaultCause = "sequence"): BookVerdict {
    this.#callLookers();
    const verdict = newVerdict();
    if (!this.#validity.isValid) {
      // Deltas buffered before the loss can no longer be joined.
      this.#joiner.restart(null);
      return verdict;
    }
    const { sequence } = this.#position.last;
    this.#break(cause, { detail, toSequence: null, fromSequence: sequence, receivedTs }, verdict);
    return verdict;
  }

  /** Follows a step of the clock that receive times are read from. */
  clockStepped(by: Micros): void {
    this.#callLookers();
    this.#validity.clockStepped(by);
    this.#position.clockStepped(by);
    this.#joiner.clockStepped(by);
  }

  /** Returns the memory as plain JSON. */
  saveState(): BookKeeperState {
    return { ...this.#restOfState(), ...this.#book.levels() };
  }

  /** Copies the memory, which costs far less than `saveState`. */
  copyState(): CopiedKeeper {
    return { bids: this.#book.copy("bid"), asks: this.#book.copy("ask"), rest: this.#restOfState() };
  }

  /** Calls `look` once, before the next change of the book. Returns a function that cancels the call. */
  beforeChange(look: () => void): () => void {
    this.#lookers.push(look);
    return () => this.#lookers = this.#lookers.filter((other) => other !== look);
  }

  #callLookers(): void {
    if (this.#lookers.length === 0) return;
    const lookers = this.#lookers;
    this.#lookers = [];
    for (const look of lookers) look();
  }

  #restOfState(): CopiedKeeper["rest"] {
    return {
      ...this.#validity.saveState(),
      ...this.#position.saveState(),
      digits: this.#checks.digits,
      joiner: this.#joiner.saveState(),
      ...(this.#orders.size === 0 ? {} : { orders: this.#orders.saveState() }),
    };
  }

  /** Restores the memory that `saveState` returned. */
  restoreState(saved: BookKeeperState): void {
    this.#callLookers();
    this.#validity.restoreState(saved);
    this.#book.applySnapshot(saved.bids, saved.asks);
    this.#position.restoreState(saved);
    this.#checks.restoreDigits(saved.digits);
    this.#joiner.restoreState(saved.joiner);
    this.#orders.restoreState(saved.orders ?? []);
  }

  /** Whether snapshots come from another source, so that deltas wait for them. */
  get #isJoined(): boolean {
    return this.rule.kind === "rest" || this.rule.kind === "requested";
  }

  #applySnapshot(event: SnapshotEvent, exchangeTs: Micros | null, at: FrameTime, verdict: MutableVerdict): void {
    const point = { sequence: event.sequence, exchangeTs: trusted(exchangeTs, at.receivedTs) };
    if (this.#isJoined) return this.#joinSnapshot(event, point, { exchangeTs, at, verdict });
    if (this.#validity.isValid && this.rule.kind === "snapshots" && this.#position.isLate(point)) {
      const delta = deltaAt(point);
      if (!this.#position.isSnapshotReset(delta, at.receivedTs, this.#joiner.bridge !== null)) {
        verdict.withheld++;
        return;
      }
      this.#noteReset(delta, event.sequence, at.receivedTs, verdict);
    }
    const whole = this.#replace(event, point, isAhead(exchangeTs, point));
    const newer = this.rule.rejoins === true ? this.#joiner.rejoin(point) : [];
    for (const delta of newer) this.#advance(delta, delta, false);
    this.#validity.enter("valid", at.receivedTs);
    verdict.emit.push({ event: newer.length === 0 ? whole : this.#joined(whole), exchangeTs });
  }

  #joinSnapshot(
    event: SnapshotEvent,
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
      if (!this.#validity.isValid) verdict.resync = this.#action;
      return;
    }
    if (this.#validity.isValid && this.#joiner.isOvertaken(point, this.#position.last)) {
      verdict.withheld++;
      return;
    }
    const kept = this.#joiner.join(point);
    if (kept === null) {
      verdict.withheld++;
      this.#validity.clearUnanchored();
      verdict.resync = this.#action;
      return;
    }
    const whole = this.#replace(event, point, false);
    for (const delta of kept) this.#advance(delta, delta, false);
    this.#validity.enter("valid", at.receivedTs);
    verdict.emit.push({ event: kept.length === 0 ? whole : this.#joined(whole), exchangeTs });
  }

  /** Returns the snapshot with the deltas that were applied to it. */
  #joined(event: SnapshotEvent): SnapshotEvent {
    return { ...event, ...this.#book.levels(), sequence: this.#position.last.sequence };
  }

  #applyDelta(event: DeltaEvent, exchangeTs: Micros | null, at: FrameTime, verdict: MutableVerdict): void {
    const delta: TimedDelta = { ...event, exchangeTs: trusted(exchangeTs, at.receivedTs) };
    if (!this.#validity.isValid) return this.#holdDelta(delta, { event, exchangeTs }, at, verdict);
    const { bridge } = this.#joiner;
    // An impossible time is not used for ordering: the update counts, and the next one is compared with the one before.
    const isUntimed = this.rule.sequence === "time" && isAhead(exchangeTs, delta);
    const outcome = isUntimed ? "next" : this.#position.follow(delta, bridge);
    if (outcome === "next") {
      if (bridge !== null) this.#joiner.crossBridge();
      this.#position.clearResets();
      if (this.rule.rejoins === true) this.#joiner.hold(delta, at.receivedTs);
      verdict.emit.push({ event: this.#advance(event, delta, isAhead(exchangeTs, delta)), exchangeTs });
      return;
    }
    verdict.withheld++;
    const found = { toSequence: event.last_sequence, receivedTs: at.receivedTs };
    if (outcome === "repeat") {
      if (!this.#position.isReset(delta, at.receivedTs, bridge !== null)) return;
      const fromSequence = this.#position.last.sequence;
      this.#break("reset", { ...found, detail: resetDetail(this.#position.last, delta), fromSequence }, verdict);
    } else {
      const detail = `after ${place(this.#position.last)} came ${deltaPlace(delta)}`;
      // Updates before the missing ones were emitted and checked already.
      this.#break("sequence", { ...found, detail, fromSequence: this.#position.last.sequence }, verdict);
    }
    if (this.#isJoined) this.#joiner.restart(delta);
  }

  /**
   * Ends the gap of a restarted sequence at once: a snapshot is complete by itself, so only the time before it is a
   * gap.
   */
  #noteReset(delta: TimedDelta, toSequence: string | null, receivedTs: Micros, verdict: MutableVerdict): void {
    const fromSequence = this.#position.last.sequence;
    const detail = resetDetail(this.#position.last, delta);
    this.#break("reset", { detail, fromSequence, toSequence, receivedTs }, verdict);
    verdict.resync = null;
  }

  #holdDelta(delta: TimedDelta, emission: BookEmission, at: FrameTime, verdict: MutableVerdict): void {
    const isFresh = this.#validity.state === "empty";
    if (isFresh) this.#validity.enter("buffering", at.receivedTs);
    const isTooLong = this.#validity.countUnanchored();
    if (this.#isJoined) {
      verdict.withheld++;
      this.#joiner.hold(delta, at.receivedTs);
      if (isFresh && this.rule.kind === "requested") verdict.resync = "request";
      this.#validity.emitWaitingGap(at.receivedTs, verdict);
      return;
    }
    if (this.rule.rejoins === true) this.#joiner.hold(delta, at.receivedTs);
    // Single orders give complete levels only from a snapshot on.
    const passes = at.mayPass && this.#validity.state === "buffering" && delta.orders === undefined;
    if (passes) verdict.emit.push(emission);
    else verdict.withheld++;
    if (!isTooLong) return;
    this.#validity.clearUnanchored();
    if (this.#validity.state === "buffering") {
      const detail = `no snapshot before ${BOOK_UNANCHORED_DELTAS_MAX} deltas`;
      const toSequence = delta.last_sequence;
      this.#break("stale", { detail, fromSequence: null, toSequence, receivedTs: at.receivedTs }, verdict);
    }
    verdict.resync = this.#overdueAction;
  }

  #sizeFault(): string | null {
    const levels = Math.max(this.#book.depth("bid"), this.#book.depth("ask"));
    return levels > BOOK_LEVELS_MAX ? `${levels} levels on one side` : null;
  }

  /** Returns the snapshot with its levels. */
  #replace(event: SnapshotEvent, point: SequencePoint, keepsTime: boolean): SnapshotEvent {
    if (event.orders !== undefined) this.#orders.clear();
    const summed = this.#summed(event);
    this.#book.applySnapshot(summed.bids, summed.asks);
    this.#position.replace(point, keepsTime);
    this.#truncate();
    return summed;
  }

  /** Returns the delta with its levels. */
  #advance<E extends DeltaEvent>(event: E, delta: TimedDelta, keepsTime: boolean): E {
    const summed = this.#summed(event);
    this.#book.applyDelta(summed.bids, summed.asks);
    this.#position.advance(delta, keepsTime);
    this.#truncate();
    return summed;
  }

  /** Returns an event of single orders with the levels that they give; any other event unchanged. */
  #summed<E extends SnapshotEvent | DeltaEvent>(event: E): E {
    if (event.orders === undefined) return event;
    const { orders, ...others } = event;
    const { bids, asks, fault } = this.#orders.apply(orders);
    this.#orderFault ??= fault;
    return { ...others, bids, asks } as unknown as E;
  }

  /**
   * Returns and clears the fault of the order ledger; null if there is none, or the feed cannot show whether updates
   * were lost.
   */
  #takeOrderFault(): string | null {
    const fault = this.#orderFault;
    this.#orderFault = null;
    return showsLoss(this.rule.sequence) || this.#orders.isFull ? fault : null;
  }

  #truncate(): void {
    if (this.rule.depth !== null) this.#book.truncate(this.rule.depth);
  }

  #break(cause: BookFaultCause, fault: BookFault, verdict: MutableVerdict): void {
    this.#validity.break(cause, fault, verdict);
    this.#book.clear();
    this.#orders.clear();
    this.#position.clear();
    this.#joiner.restart(null);
    verdict.resync = this.#action;
  }

  /** Returns the resync action; null if the book recovers with the next snapshot of the feed. */
  get #action(): ResyncAction | null {
    const { kind, resync } = this.rule;
    return kind === "snapshots" || resync === "wait" ? null : resync;
  }

  /** Returns the action if the feed's own snapshot is overdue. */
  get #overdueAction(): ResyncAction | null {
    return this.rule.resync === "wait" ? "resubscribe" : this.#action;
  }
}
