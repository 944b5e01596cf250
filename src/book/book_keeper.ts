import {
  BOOK_BUFFER_DELTAS_MAX,
  BOOK_UNANCHORED_DELTAS_MAX,
  type BookDelta,
  type BookRule,
  type BookSnapshot,
  type Level,
  type Micros,
  type ResyncAction,
} from "../model/mod.ts";
import { checksumOf, learnDigits, type NumberDigits } from "./checksum.ts";
import { OrderBook } from "./order_book.ts";
import { junction, type SequencePoint, succession } from "./sequencer.ts";

/**
 * `empty`: nothing was seen. `buffering`: updates came, the book's first image did not. `valid`: every update since the
 * image followed the one before and every check passed. `broken`: a check failed; nothing leaves until a new image.
 */
export type BookState = "empty" | "buffering" | "valid" | "broken";

/** Why a book is broken. */
export type BookFaultCause = "sequence" | "checksum" | "stale";

/** One event of a book feed with what the frame says about it. */
export interface BookUpdate {
  readonly event: BookSnapshot | BookDelta;
  readonly exchangeTs: Micros | null;
  /** The exchange's checksum of the book after this update; null where it sends none. */
  readonly checksum: string | null;
}

/** An event that may leave. */
export interface BookEmission {
  readonly event: BookSnapshot | BookDelta;
  readonly exchangeTs: Micros | null;
}

/** The end of a valid stretch, or (`whole`) the end of the stretch that was not. */
export interface BookGap {
  readonly cause: BookFaultCause;
  /** Last good update before, and the update that showed the fault or made the book whole. */
  readonly fromSequence: string | null;
  readonly toSequence: string | null;
  /** Receive time of the last good update before; null where there was none. */
  readonly fromTs: Micros | null;
  readonly detail: string;
  readonly whole: boolean;
}

/** What the updates of one frame became, in order: gaps stand before what is emitted. */
export interface BookVerdict {
  readonly emit: readonly BookEmission[];
  readonly gaps: readonly BookGap[];
  /** What to do so that the book becomes whole; null where nothing is to be done. */
  readonly resync: ResyncAction | null;
  /** Updates that do not leave as events of their own. */
  readonly withheld: number;
}

interface MutableVerdict {
  emit: BookEmission[];
  gaps: BookGap[];
  resync: ResyncAction | null;
  withheld: number;
}

interface BufferedDelta extends BookDelta {
  readonly exchangeTs: Micros | null;
}

/** A break that has not healed. */
interface OpenGap {
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
  readonly bridge: SequencePoint | null;
  readonly goodTs: Micros | null;
  readonly gap: OpenGap | null;
  readonly unanchored: number;
  readonly digits: NumberDigits | null;
  readonly buffer: readonly BufferedDelta[];
}

const NOWHERE: SequencePoint = { sequence: null, exchangeTs: null };

/**
 * Keeps one book of one session by the rule of its feed, and says which of its updates may leave: only those that follow
 * from the book's image without a hole, and only while the book is not crossed and its checksums agree.
 */
export class BookKeeper {
  readonly rule: BookRule;
  readonly #book = new OrderBook();
  #state: BookState = "empty";
  #since: Micros | null = null;
  #last: SequencePoint = NOWHERE;
  #before: SequencePoint = NOWHERE;
  /** A snapshot from elsewhere that no delta has joined yet. */
  #bridge: SequencePoint | null = null;
  #goodTs: Micros | null = null;
  #gap: OpenGap | null = null;
  /** Deltas since the book was last asked for that had no image to change. */
  #unanchored = 0;
  /** Decimals of the instrument, as its first padded checksum told. */
  #digits: NumberDigits | null = null;
  /** What a failed check compared. */
  #failure = "";
  #buffer: BufferedDelta[] = [];

  constructor(rule: BookRule) {
    this.rule = rule;
  }

  get state(): BookState {
    return this.#state;
  }

  /** Receive time of the update that began the state; null before the first update. */
  get since(): Micros | null {
    return this.#since;
  }

  /** Why the book is broken; null while it is not. */
  get cause(): BookFaultCause | null {
    return this.#gap?.cause ?? null;
  }

  /** Sequence and time of the book's last update. */
  get last(): SequencePoint {
    return this.#last;
  }

  /** The levels; only to be read, and of meaning only while the state is `valid`. */
  get book(): OrderBook {
    return this.#book;
  }

  /**
   * Takes the updates that one frame holds for this book. They are one change: all of them leave or, where the book they
   * lead to fails a check, none. `mayPass`: deltas from before the first image may leave as they came, because there is
   * no earlier book that somebody could apply them to.
   */
  apply(
    updates: readonly BookUpdate[],
    at: { readonly receivedTs: Micros; readonly mayPass: boolean },
  ): BookVerdict {
    const verdict: MutableVerdict = { emit: [], gaps: [], resync: null, withheld: 0 };
    const start = this.#last;
    let fault: BookFaultCause | null = null;
    for (const update of updates) {
      if (fault !== null) {
        verdict.withheld++;
        continue;
      }
      if (update.event.kind === "book_snapshot") this.#takeSnapshot(update.event, update.exchangeTs, at, verdict);
      else this.#takeDelta({ ...update.event, exchangeTs: update.exchangeTs }, update.event, at, verdict);
      if (this.#state === "valid" && update.checksum !== null && !this.#agrees(update)) fault = "checksum";
    }
    if (this.#state !== "valid") return verdict;
    if (fault === null && this.#book.isCrossed && this.rule.crossed === "resync") {
      fault = "stale";
      this.#failure = `crossed: bid ${this.#book.best("bid")?.[0]} and ask ${this.#book.best("ask")?.[0]}`;
    }
    if (fault === null) this.#settle(at.receivedTs, verdict);
    else {
      verdict.withheld += verdict.emit.length;
      verdict.emit = [];
      const toSequence = this.#last.sequence;
      this.#break(
        fault,
        { detail: this.#failure, toSequence, fromSequence: start.sequence, at: at.receivedTs },
        verdict,
      );
    }
    return verdict;
  }

  /** A checksum that came in a frame of its own: of the book as it stands. */
  check(checksum: string, receivedTs: Micros): BookVerdict {
    const verdict: MutableVerdict = { emit: [], gaps: [], resync: null, withheld: 0 };
    if (this.#state !== "valid" || this.#agreesWith(checksum, false)) return verdict;
    const { sequence } = this.#last;
    const place = { detail: this.#failure, toSequence: sequence, fromSequence: sequence, at: receivedTs };
    this.#break("checksum", place, verdict);
    return verdict;
  }

  /** Updates of the session were lost, as something outside this feed shows. */
  lose(detail: string, receivedTs: Micros): BookVerdict {
    const verdict: MutableVerdict = { emit: [], gaps: [], resync: null, withheld: 0 };
    if (this.#state !== "valid") return verdict;
    const { sequence } = this.#last;
    this.#break("sequence", { detail, toSequence: null, fromSequence: sequence, at: receivedTs }, verdict);
    return verdict;
  }

  /** What has to be known to go on alike, as plain JSON. */
  saveState(): BookKeeperState {
    return {
      state: this.#state,
      since: this.#since,
      ...this.#book.levels(),
      last: this.#last,
      before: this.#before,
      bridge: this.#bridge,
      goodTs: this.#goodTs,
      gap: this.#gap,
      unanchored: this.#unanchored,
      digits: this.#digits,
      buffer: [...this.#buffer],
    };
  }

  /** Goes on from what `saveState` gave. */
  restoreState(saved: BookKeeperState): void {
    this.#state = saved.state;
    this.#since = saved.since;
    this.#book.applySnapshot(saved.bids, saved.asks);
    this.#last = saved.last;
    this.#before = saved.before;
    this.#bridge = saved.bridge;
    this.#goodTs = saved.goodTs;
    this.#gap = saved.gap;
    this.#unanchored = saved.unanchored;
    this.#digits = saved.digits;
    this.#buffer = [...saved.buffer];
  }

  /** Whether images come from elsewhere and deltas wait for them. */
  get #isJoined(): boolean {
    return this.rule.kind === "rest" || this.rule.kind === "requested";
  }

  #takeSnapshot(event: BookSnapshot, exchangeTs: Micros | null, at: { receivedTs: Micros }, verdict: MutableVerdict) {
    const point: SequencePoint = { sequence: event.sequence, exchangeTs };
    if (this.#isJoined) return this.#joinSnapshot(event, point, at.receivedTs, verdict);
    if (this.#state === "valid" && this.rule.kind === "snapshots" && this.#isLate(point)) {
      verdict.withheld++;
      return;
    }
    this.#replace(event, point);
    this.#enter("valid", at.receivedTs);
    verdict.emit.push({ event, exchangeTs });
  }

  /**
   * Of whole books only the order matters: one that was overtaken is not news. Two of the same millisecond may differ, so
   * a time has to go back to be late; a sequence that repeats is the same book sent again.
   */
  #isLate(point: SequencePoint): boolean {
    const { sequence } = this.rule;
    if (sequence === "none") return false;
    if (sequence === "time") {
      const before = this.#last.exchangeTs;
      return point.exchangeTs !== null && before !== null && point.exchangeTs < before;
    }
    const delta = { ...EMPTY_DELTA, last_sequence: point.sequence, exchangeTs: point.exchangeTs };
    return succession("rising", delta, { last: this.#last, before: this.#before, resetsLower: false }) === "repeat";
  }

  #joinSnapshot(event: BookSnapshot, point: SequencePoint, receivedTs: Micros, verdict: MutableVerdict): void {
    if (this.#state === "valid") {
      // A whole book already stands at or past it, unless it is ahead of all that came so far.
      const last: BufferedDelta = {
        ...EMPTY_DELTA,
        last_sequence: this.#last.sequence,
        exchangeTs: this.#last.exchangeTs,
      };
      if (junction(this.rule, point, last) !== "old") {
        verdict.withheld++;
        return;
      }
    }
    const kept = this.#buffer.filter((delta) => junction(this.rule, point, delta) !== "old");
    if (kept.length > 0 && junction(this.rule, point, kept[0]) === "ahead") {
      verdict.withheld++;
      this.#unanchored = 0;
      verdict.resync = this.#action;
      return;
    }
    this.#buffer = [];
    this.#replace(event, point);
    this.#bridge = point;
    for (const delta of kept) {
      this.#advance(delta);
      this.#bridge = null;
    }
    this.#enter("valid", receivedTs);
    if (kept.length === 0) verdict.emit.push({ event, exchangeTs: point.exchangeTs });
    else {
      const joined: BookSnapshot = { ...event, ...this.#book.levels(), sequence: this.#last.sequence };
      verdict.emit.push({ event: joined, exchangeTs: point.exchangeTs });
    }
  }

  #takeDelta(
    delta: BufferedDelta,
    event: BookDelta,
    at: { readonly receivedTs: Micros; readonly mayPass: boolean },
    verdict: MutableVerdict,
  ): void {
    if (this.#state !== "valid") return this.#holdDelta(delta, event, at, verdict);
    const outcome = this.#bridge === null ? this.#follow(delta) : this.#joinDelta(delta, this.#bridge);
    if (outcome === "next") {
      this.#bridge = null;
      this.#advance(delta);
      verdict.emit.push({ event, exchangeTs: delta.exchangeTs });
      return;
    }
    verdict.withheld++;
    if (outcome === "repeat") return;
    const fromSequence = this.#last.sequence;
    const detail = `after ${place(this.#last)} came ${deltaPlace(delta)}`;
    // What came before the hole has left already; its checks are those of the frames before.
    this.#break("sequence", { detail, fromSequence, toSequence: event.last_sequence, at: at.receivedTs }, verdict);
    if (this.#isJoined) this.#buffer.push(delta);
  }

  #follow(delta: BufferedDelta): "next" | "repeat" | "gap" {
    const points = { last: this.#last, before: this.#before, resetsLower: this.rule.resetsLower };
    return succession(this.rule.sequence, delta, points);
  }

  #joinDelta(delta: BufferedDelta, snapshot: SequencePoint): "next" | "repeat" | "gap" {
    const joint = junction(this.rule, snapshot, delta);
    return joint === "old" ? "repeat" : joint === "joins" ? "next" : "gap";
  }

  #holdDelta(
    delta: BufferedDelta,
    event: BookDelta,
    at: { readonly receivedTs: Micros; readonly mayPass: boolean },
    verdict: MutableVerdict,
  ): void {
    const isFresh = this.#state === "empty";
    if (isFresh) this.#enter("buffering", at.receivedTs);
    this.#unanchored++;
    if (this.#isJoined) {
      verdict.withheld++;
      this.#bufferDelta(delta);
      if (isFresh && this.rule.kind === "requested") verdict.resync = "request";
    } else if (at.mayPass && this.#state === "buffering") verdict.emit.push({ event, exchangeTs: delta.exchangeTs });
    else verdict.withheld++;
    if (this.#isJoined || this.#unanchored < BOOK_UNANCHORED_DELTAS_MAX) return;
    this.#unanchored = 0;
    if (this.#state === "broken") verdict.resync = this.#overdueAction;
    else {
      const detail = `no snapshot before ${BOOK_UNANCHORED_DELTAS_MAX} deltas`;
      const toSequence = event.last_sequence;
      this.#break("sequence", { detail, fromSequence: null, toSequence, at: at.receivedTs }, verdict);
      verdict.resync = this.#overdueAction;
    }
  }

  /** A hole in the buffer makes what is before it useless: only a snapshot after it can be joined. */
  #bufferDelta(delta: BufferedDelta): void {
    const last = this.#buffer.at(-1);
    if (last !== undefined) {
      const before = this.#buffer.at(-2);
      const points = {
        last: pointOf(last),
        before: before === undefined ? NOWHERE : pointOf(before),
        resetsLower: false,
      };
      const outcome = succession(this.rule.sequence, delta, points);
      if (outcome === "repeat") return;
      if (outcome === "gap") this.#buffer = [];
    }
    if (this.#buffer.length === BOOK_BUFFER_DELTAS_MAX) this.#buffer.shift();
    this.#buffer.push(delta);
  }

  #replace(event: BookSnapshot, point: SequencePoint): void {
    this.#book.applySnapshot(event.bids, event.asks);
    this.#before = NOWHERE;
    this.#last = point;
    this.#bridge = null;
    this.#truncate();
  }

  #advance(delta: BufferedDelta): void {
    this.#book.applyDelta(delta.bids, delta.asks);
    this.#before = this.#last;
    this.#last = pointOf(delta);
    this.#truncate();
  }

  #truncate(): void {
    if (this.rule.depth !== null) this.#book.truncate(this.rule.depth);
  }

  /** The frame's updates passed: the book is valid, and whole again where it was broken. */
  #settle(receivedTs: Micros, verdict: MutableVerdict): void {
    this.#goodTs = receivedTs;
    this.#unanchored = 0;
    if (this.#gap === null) return;
    const { cause, fromSequence, fromTs, detail } = this.#gap;
    this.#gap = null;
    verdict.gaps.push({ cause, fromSequence, toSequence: this.#last.sequence, fromTs, detail, whole: true });
  }

  #break(
    cause: BookFaultCause,
    found: {
      readonly detail: string;
      readonly fromSequence: string | null;
      readonly toSequence: string | null;
      readonly at: Micros;
    },
    verdict: MutableVerdict,
  ): void {
    // A new image that fails its checks leaves the gap as it was.
    if (this.#gap === null) {
      const { detail, fromSequence, toSequence } = found;
      this.#gap = { cause, fromTs: this.#goodTs, fromSequence, detail };
      verdict.gaps.push({ ...this.#gap, toSequence, whole: false });
    }
    this.#enter("broken", found.at);
    this.#book.clear();
    this.#last = NOWHERE;
    this.#before = NOWHERE;
    this.#bridge = null;
    this.#buffer = [];
    this.#unanchored = 0;
    verdict.resync = this.#action;
  }

  /** Whole books heal with the next one, as where the rule says so; everything else has to be asked for. */
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

  #agrees(update: BookUpdate): boolean {
    return update.checksum === null || this.#agreesWith(update.checksum, update.event.kind === "book_snapshot");
  }

  /** Whether the exchange's checksum is that of our book. */
  #agreesWith(checksum: string, isImage: boolean): boolean {
    const { checksum: rule } = this.rule;
    if (rule === null || rule.absent.includes(checksum)) return true;
    const expected = Number(checksum);
    if (rule.numbers === "padded" && (this.#digits === null || isImage)) {
      // The precision is a property of the instrument: once found it stays, unless an image proves it wrong.
      if (this.#digits !== null && checksumOf(this.#book, rule, this.#digits) === expected) return true;
      const digits = learnDigits(this.#book, rule, expected);
      if (digits !== null) {
        this.#digits = digits;
        return true;
      }
    } else if (checksumOf(this.#book, rule, this.#digits ?? NO_DIGITS) === expected) return true;
    this.#failure = `checksum ${checksumOf(this.#book, rule, this.#digits ?? NO_DIGITS)} instead of ${checksum}`;
    return false;
  }
}

const NO_DIGITS: NumberDigits = { price: 0, size: 0 };
const EMPTY_DELTA: BookDelta = {
  kind: "book_delta",
  bids: [],
  asks: [],
  first_sequence: null,
  last_sequence: null,
  previous_sequence: null,
};

function pointOf(delta: BufferedDelta): SequencePoint {
  return { sequence: delta.last_sequence, exchangeTs: delta.exchangeTs };
}

function place({ sequence, exchangeTs }: SequencePoint): string {
  return sequence ?? (exchangeTs === null ? "nothing" : `time ${exchangeTs}`);
}

function deltaPlace(delta: BufferedDelta): string {
  const { first_sequence: first, last_sequence: last, previous_sequence: previous } = delta;
  if (last === null) return delta.exchangeTs === null ? "one without a number" : `time ${delta.exchangeTs}`;
  const from = first === null || first === last ? "" : `${first} to `;
  return `${from}${last}${previous === null ? "" : ` after ${previous}`}`;
}
