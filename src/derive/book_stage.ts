import type { BookFaultCause, BookGap, BookUpdate, BookVerdict, DeltaEvent } from "../book/mod.ts";
import type { BookRule, EventBatch, Gap, HttpRecord, Micros } from "../model/mod.ts";
import type { FrameEvents, LostUpdate, NormalizedChecksum } from "../normalize/mod.ts";
import type { RecordAccount } from "./account.ts";
import { CONNECTION } from "./account.ts";
import { type KeptBook, type SessionBooks, SUPPRESSED } from "./books.ts";
import { closedGap, type GapFields, openedGap } from "./gaps.ts";
import type { SessionMemory } from "./session_memory.ts";
import { SiblingBooks } from "./sibling_books.ts";
import { hasSibling } from "./sibling_stage.ts";
import { nextTop } from "./tops.ts";

/** What the book stage needs of other stages. */
export interface BookStageOptions {
  readonly account: RecordAccount;
  /** Whether the stream of a book has an open gap. */
  readonly isMissing: (session: SessionMemory, book: KeptBook) => boolean;
  /** Closes the gaps of a book's stream, because it has data. */
  readonly sawData: (session: SessionMemory, book: KeptBook) => void;
}

/** Passes book updates to their keepers and emits the events, gaps and resyncs that follow. */
export class BookStage {
  readonly #options: BookStageOptions;
  readonly #account: RecordAccount;
  readonly #siblings: SiblingBooks;

  constructor(options: BookStageOptions) {
    this.#options = options;
    this.#account = options.account;
    this.#siblings = new SiblingBooks(options.account);
  }

  /** Whether an event belongs to a kept book. */
  keeps(session: SessionMemory, found: FrameEvents, event: number): boolean {
    return this.#ruleOf(session, found, event) !== null;
  }

  /** Returns the kept book of an event; null if there is none. */
  bookOf(session: SessionMemory, found: FrameEvents, event: number): KeptBook | null {
    const { books } = session;
    const rule = this.#ruleOf(session, found, event);
    if (books === null || rule === null) return null;
    const { batch, channels } = found;
    const [native, symbol] = [batch.nativeSymbols[event], batch.symbols[event]];
    return books.bookFor(rule, { native, symbol, channel: channels[event] ?? "book" });
  }

  #ruleOf({ books }: SessionMemory, { batch, rules }: FrameEvents, event: number): BookRule | null {
    if (books === null) return null;
    const kind = batch.kindAt(event);
    return kind === "book_delta" || kind === "book_snapshot" ? books.ruleOf(rules[event]) : null;
  }

  /**
   * Passes the updates of one book in one frame, the events `[start, end)`, to its keeper and emits the accepted ones.
   */
  keep(
    session: SessionMemory,
    kept: KeptBook,
    { found, start, end }: { readonly found: FrameEvents; readonly start: number; readonly end: number },
  ): void {
    const account = this.#account;
    const updates: BookUpdate[] = [];
    for (let event = start; event < end; event++) {
      const update = updateOf(found, event);
      if (update === null) continue;
      updates.push(update);
      account.withheld[update.event.kind]++;
    }
    const mayPass = !this.#options.isMissing(session, kept);
    const verdict = kept.keeper.apply(updates, { receivedTs: account.at, mayPass });
    this.#applyVerdict(session, kept, verdict);
    if (verdict.emit.length === 0) return;
    const { siblings } = session;
    const isShared = siblings !== null && siblings.isShared(account.at);
    const turn = isShared ? this.#siblings.turn(session, siblings, kept, verdict.emit) : "emit";
    const plan = session.derivation?.bookTops ?? null;
    if (turn === "withhold") {
      session.sawData(kept.channel, kept.symbol, account.at);
      // Its intervals go on, so that no top is emitted twice.
      if (plan !== null) nextTop(kept, plan, account.at);
      return;
    }
    this.#options.sawData(session, kept);
    if (turn === "emit") {
      for (const { event, exchangeTs } of verdict.emit) {
        account.withheld[event.kind]--;
        account.emit(kept, event, exchangeTs);
      }
    } else {
      const { book, last: { sequence, exchangeTs } } = kept.keeper;
      account.emit(kept, { kind: "book_snapshot", ...book.levels(), sequence }, exchangeTs);
    }
    const top = plan === null ? null : nextTop(kept, plan, account.at);
    if (top !== null) account.emit(kept, top.event, top.exchangeTs);
  }

  /** Counts updates of a book, the events `[start, end)`, as not emitted. */
  withhold(batch: EventBatch, start: number, end: number): void {
    const { withheld } = this.#account;
    for (let event = start; event < end; event++) {
      const kind = batch.kindAt(event);
      if (kind === "book_delta" || kind === "book_snapshot") withheld[kind]++;
    }
  }

  /**
   * Invalidates the books whose updates were lost. If the symbol is unknown: all books whose feeds cannot show a loss.
   */
  loseUpdates(session: SessionMemory, books: SessionBooks, lost: readonly LostUpdate[]): void {
    for (const { rule: eventRule, native_symbol: native, detail } of lost) {
      const rule = books.ruleOf(eventRule);
      if (rule === null) continue;
      if (native === "") {
        this.loseUnnumbered(session, detail, "undecodable");
        continue;
      }
      const kept = books.find(rule, native);
      if (kept !== null) this.#applyVerdict(session, kept, kept.keeper.invalidate(detail, this.#account.at));
    }
  }

  /** Invalidates the books of a session whose feeds cannot show a loss. */
  loseUnnumbered(session: SessionMemory, detail: string, cause: BookFaultCause): void {
    for (const kept of session.books?.all() ?? []) {
      if (!kept.keeper.showsLoss) {
        this.#applyVerdict(session, kept, kept.keeper.invalidate(detail, this.#account.at, cause));
      }
    }
  }

  /** Invalidates every book of a session. */
  loseAll(session: SessionMemory, detail: string): void {
    for (const kept of session.books?.all() ?? []) {
      this.#applyVerdict(session, kept, kept.keeper.invalidate(detail, this.#account.at));
    }
  }

  /** Invalidates a book that was found to differ from the exchange's own snapshot. */
  differs(session: SessionMemory, { request, native }: HttpRecord, detail: string): void {
    const { books, derivation } = session;
    const rule = derivation?.frames.books.find(({ snapshotRequest }) => snapshotRequest === request);
    const kept = books === null || rule === undefined ? null : books.find(rule, native);
    if (kept === null) return;
    const reason = `it differs from the exchange's snapshot: ${detail}`;
    this.#applyVerdict(session, kept, kept.keeper.invalidate(reason, this.#account.at, "checksum"));
  }

  /** Checks books against checksums that came in frames of their own. */
  check(session: SessionMemory, books: SessionBooks, checksums: readonly NormalizedChecksum[]): void {
    for (const { rule: eventRule, native_symbol: native, checksum } of checksums) {
      const rule = books.ruleOf(eventRule);
      const kept = rule === null ? null : books.find(rule, native);
      if (kept !== null) this.#applyVerdict(session, kept, kept.keeper.check(checksum, this.#account.at));
    }
  }

  /** Checks the session's frame counter. If it jumps or restarts, emits a gap and invalidates the session's books. */
  countFrame(session: SessionMemory, books: SessionBooks, sequence: string): void {
    const { missing, isReset, from } = books.countFrame(sequence);
    if (missing === 0n && !isReset) return;
    const account = this.#account;
    const cause = isReset ? "reset" : "sequence";
    const detail = isReset ? "the counter of the session began again" : `${missing} frames of the session are missing`;
    const isShown = hasSibling(session, account.at);
    if (isShown) session.siblings?.release(session);
    else {
      account.emitGap(
        CONNECTION,
        closedGap({
          stream: null,
          cause,
          from: session.lastTs,
          to: account.at,
          fromSequence: from,
          toSequence: sequence,
          detail,
          action: "reconnect",
        }),
      );
    }
    for (const kept of books.all()) {
      const verdict = kept.keeper.invalidate(detail, account.at, cause);
      for (const gap of verdict.gaps) {
        this.#report(session, kept, { ...bookGap(gap, verdict, account.at), action: "reconnect" });
      }
    }
    const { session: id } = account;
    account.resyncs.push({ session: id, symbol: "", native: "", rule: null, action: "reconnect", cause });
  }

  /** Emits the gaps of a verdict and adds its resync to the result. */
  #applyVerdict(session: SessionMemory, kept: KeptBook, verdict: BookVerdict): void {
    const account = this.#account;
    const { gaps } = verdict;
    const [first] = gaps;
    // A book that broke and recovered within one frame has a single gap, which is closed.
    const reported = gaps.length > 1 && first !== undefined && !first.recovered ? gaps.slice(1) : gaps;
    for (const gap of reported) this.#report(session, kept, bookGap(gap, verdict, account.at));
    if (verdict.resync === null) return;
    const { keeper, symbol, native } = kept;
    const cause = keeper.cause ?? "buffering";
    account.resyncs.push({
      session: account.session,
      symbol,
      native,
      rule: keeper.rule,
      action: verdict.resync,
      cause,
    });
  }

  /** Emits a gap of a book, unless another socket has the book. */
  #report(session: SessionMemory, kept: KeptBook, gap: GapFields): void {
    if (kept.gapId === SUPPRESSED) kept.gapId = gap.state === "closed" ? "" : SUPPRESSED;
    else if (kept.gapId !== "" || !this.#siblings.isShown(session, kept)) this.#emitGap(kept, gap);
    else if (gap.state === "opened") kept.gapId = SUPPRESSED;
  }

  /** Emits a gap of a book. The closing event has the id of the opening one. */
  #emitGap(kept: KeptBook, gap: GapFields): void {
    const id = this.#account.emitGap(kept, gap, kept.gapId);
    kept.gapId = gap.state === "closed" ? "" : id;
  }
}

/** Returns a book event of a frame as an update, without copying its levels; null for other events. */
function updateOf({ batch, checksums, orders }: FrameEvents, event: number): BookUpdate | null {
  const kind = batch.kindAt(event);
  const row = batch.rows[event];
  const exchangeTs = batch.exchangeTs.get(event);
  const checksum = checksums[event];
  const single = orders[event];
  const summed = single === null ? {} : { orders: single };
  if (kind === "book_snapshot") {
    const { bids, asks, sequence } = batch.table(kind);
    const levels = { bids: bids.range(row), asks: asks.range(row) };
    return { event: { kind, ...levels, sequence: sequence.text(row), ...summed }, exchangeTs, checksum };
  }
  if (kind !== "book_delta") return null;
  const { bids, asks, first_sequence, last_sequence, previous_sequence } = batch.table(kind);
  const update: DeltaEvent = {
    kind,
    bids: bids.range(row),
    asks: asks.range(row),
    first_sequence: first_sequence.text(row),
    last_sequence: last_sequence.text(row),
    previous_sequence: previous_sequence.text(row),
    ...summed,
  };
  return { event: update, exchangeTs, checksum };
}

/** Returns a keeper's gap as an event. */
function bookGap(gap: BookGap, { resync }: BookVerdict, at: Micros): GapFields {
  const stream: Gap["stream"] = "book";
  const { cause, detail, fromSequence, toSequence, fromTs: from } = gap;
  const fields = { stream, cause, detail, fromSequence, toSequence, from };
  if (gap.recovered) return closedGap({ ...fields, to: at, action: "recovered" });
  return openedGap({ ...fields, action: resync ?? "suppressed until the next snapshot" });
}
