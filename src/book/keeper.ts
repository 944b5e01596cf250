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

/** A keeper's memory as it was at one time: its levels as numbers, all else as plain JSON. */
export interface CopiedKeeper {
  readonly bids: LevelColumns;
  readonly asks: LevelColumns;
  readonly rest: Omit<BookKeeperState, "bids" | "asks">;
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
  /** The single orders of a feed that tells of them; empty otherwise. */
  readonly #orders = new OrderLedger();
  #orderFault: string | null = null;
  readonly #checks: BookChecks;
  readonly #joiner: SnapshotJoiner;
  readonly #position: BookPosition;
  readonly #validity = new BookValidity();
  /** Who wants to look before the next change. */
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

  /** Why the book is not valid; null while it is, or has not begun to be. */
  get cause(): BookFaultCause | null {
    return this.#validity.gap?.cause ?? null;
  }

  /** The gap that no snapshot has ended; where deltas wait for the first snapshot, the one that they are in. */
  get openGap(): OpenBookGap | null {
    const { gap, state } = this.#validity;
    return gap === null && state === "buffering" && this.#isJoined ? this.#validity.waiting() : gap;
  }

  /** Sequence and time of the book's last update. */
  get last(): SequencePoint {
    return this.#position.last;
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
    this.#showBefore();
    const verdict = newVerdict();
    const start = this.#position.last;
    let fault: BookFaultCause | null = null;
    let detail: string | null = null;
    for (const update of updates) {
      if (fault !== null) {
        verdict.withheld++;
        continue;
      }
      if (update.event.kind === "book_snapshot") this.#takeSnapshot(update.event, update.exchangeTs, at, verdict);
      else this.#takeDelta(update.event, update.exchangeTs, at, verdict);
      if (!this.#validity.isValid || update.checksum === null) continue;
      detail = this.#checks.checksumFault(update.checksum, update.event.kind === "book_snapshot");
      if (detail !== null) fault = "checksum";
    }
    if (!this.#validity.isValid) return verdict;
    if (fault === null) {
      detail = this.#takeOrderFault() ?? this.#checks.crossFault() ?? this.#sizeFault();
      if (detail !== null) fault = "stale";
    }
    if (fault === null) this.#validity.settle(at.receivedTs, this.#position.last.sequence, verdict);
    else {
      verdict.withheld += verdict.emit.length;
      verdict.emit = [];
      const toSequence = this.#position.last.sequence;
      const { receivedTs } = at;
      this.#break(fault, { detail: detail ?? "", toSequence, fromSequence: start.sequence, receivedTs }, verdict);
    }
    return verdict;
  }

  /** Checks the book as it stands against a checksum that came in a frame of its own. */
  check(checksum: string, receivedTs: Micros): BookVerdict {
    this.#showBefore();
    const verdict = newVerdict();
    const detail = this.#validity.isValid ? this.#checks.checksumFault(checksum, false) : null;
    if (detail === null) return verdict;
    const { sequence } = this.#position.last;
    this.#break("checksum", { detail, toSequence: sequence, fromSequence: sequence, receivedTs }, verdict);
    return verdict;
  }

  /** Invalidates the book: updates of the session were lost, as something outside this feed shows. */
  lose(detail: string, receivedTs: Micros, cause: BookFaultCause = "sequence"): BookVerdict {
    this.#showBefore();
    const verdict = newVerdict();
    if (!this.#validity.isValid) {
      // What was held before the loss cannot be joined any more.
      this.#joiner.restart(null);
      return verdict;
    }
    const { sequence } = this.#position.last;
    this.#break(cause, { detail, toSequence: null, fromSequence: sequence, receivedTs }, verdict);
    return verdict;
  }

  /** Asks again for a snapshot whose answer held none. */
  askAgain(): BookVerdict {
    const verdict = newVerdict();
    if (!this.#validity.isValid) verdict.resync = this.#action;
    return verdict;
  }

  /** Follows a step of the clock that receive times are read from. */
  clockStepped(by: Micros): void {
    this.#showBefore();
    this.#validity.clockStepped(by);
    this.#position.clockStepped(by);
    this.#joiner.clockStepped(by);
  }

  /** Returns what has to be known to go on alike, as plain JSON. */
  saveState(): BookKeeperState {
    return { ...this.#restOfState(), ...this.#book.levels() };
  }

  /** Returns a copy of what has to be known, which costs a small part of what its texts do. */
  copyState(): CopiedKeeper {
    return { bids: this.#book.copy("bid"), asks: this.#book.copy("ask"), rest: this.#restOfState() };
  }

  /** Calls once before the next change of the book, whatever makes it. Returns what calls that off. */
  beforeChange(look: () => void): () => void {
    this.#lookers.push(look);
    return () => this.#lookers = this.#lookers.filter((other) => other !== look);
  }

  #showBefore(): void {
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

  /** Goes on from what `saveState` gave. */
  restoreState(saved: BookKeeperState): void {
    this.#showBefore();
    this.#validity.restoreState(saved);
    this.#book.applySnapshot(saved.bids, saved.asks);
    this.#position.restoreState(saved);
    this.#checks.restoreDigits(saved.digits);
    this.#joiner.restoreState(saved.joiner);
    this.#orders.restoreState(saved.orders ?? []);
  }

  /** Whether snapshots come from elsewhere and deltas wait for them. */
  get #isJoined(): boolean {
    return this.rule.kind === "rest" || this.rule.kind === "requested";
  }

  #takeSnapshot(event: SnapshotEvent, exchangeTs: Micros | null, at: FrameTime, verdict: MutableVerdict): void {
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

  /** The snapshot with the deltas in it that were applied to it. */
  #joined(event: SnapshotEvent): SnapshotEvent {
    return { ...event, ...this.#book.levels(), sequence: this.#position.last.sequence };
  }

  #takeDelta(event: DeltaEvent, exchangeTs: Micros | null, at: FrameTime, verdict: MutableVerdict): void {
    const delta: TimedDelta = { ...event, exchangeTs: trusted(exchangeTs, at.receivedTs) };
    if (!this.#validity.isValid) return this.#holdDelta(delta, { event, exchangeTs }, at, verdict);
    const { bridge } = this.#joiner;
    // A time that cannot be true orders nothing: the update counts, and the next one is compared with the one before.
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
      // What came before the hole was emitted already; its checks are those of the frames before.
      this.#break("sequence", { ...found, detail, fromSequence: this.#position.last.sequence }, verdict);
    }
    if (this.#isJoined) this.#joiner.restart(delta);
  }

  /** A whole book proves itself: where numbers began again, the stretch before it is the gap, and it is over. */
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
      this.#validity.tellWaiting(at.receivedTs, verdict);
      return;
    }
    if (this.rule.rejoins === true) this.#joiner.hold(delta, at.receivedTs);
    // Single orders add up to levels from an image on.
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

  /** Returns an event of single orders with the levels that they add up to; any other as it is. */
  #summed<E extends SnapshotEvent | DeltaEvent>(event: E): E {
    if (event.orders === undefined) return event;
    const { orders, ...others } = event;
    const { bids, asks, fault } = this.#orders.apply(orders);
    this.#orderFault ??= fault;
    return { ...others, bids, asks } as unknown as E;
  }

  /** Returns what of the orders could not be followed, once; null where the feed shows no loss, which it may come from. */
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

  /** Whole books recover with the next one, and so do others where the rule says so; everything else is asked for. */
  get #action(): ResyncAction | null {
    const { kind, resync } = this.rule;
    return kind === "snapshots" || resync === "wait" ? null : resync;
  }

  /** What helps where a snapshot that was to come by itself did not. */
  get #overdueAction(): ResyncAction | null {
    return this.rule.resync === "wait" ? "resubscribe" : this.#action;
  }
}
