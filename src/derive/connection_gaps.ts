import {
  type ClockRecord,
  type ClosedRecord,
  type DroppedRecord,
  EXAMPLE_CHARS_MAX,
  type FaultCode,
  type FrameRecord,
  type JournalRecord,
  type Micros,
  ORPHANS_MAX,
  UNKNOWN_EXCHANGE,
} from "../model/mod.ts";
import { exampleOf, type NormalizedFrame } from "../normalize/mod.ts";
import { CONNECTION, type RecordAccount } from "./account.ts";
import type { BookStage } from "./book_stage.ts";
import { closedGap, openedGap } from "./gaps.ts";
import type { PipelineMemory } from "./pipeline_memory.ts";
import { type SessionGap, type SessionMemory, unknownPlan, unknownSession } from "./session_memory.ts";

/** Emits gaps that concern a whole connection: lost, undecodable or underivable frames. */
export class ConnectionGaps {
  readonly #account: RecordAccount;
  readonly #memory: () => PipelineMemory;
  readonly #books: BookStage;

  constructor(
    options: { readonly account: RecordAccount; readonly memory: () => PipelineMemory; readonly books: BookStage },
  ) {
    this.#account = options.account;
    this.#memory = options.memory;
    this.#books = options.books;
  }

  /** Opens the gap of a session whose plan is unknown. */
  openUnderived(session: SessionMemory, from: Micros): void {
    const detail = unknownPlan(session.origin);
    const action = "frames kept in the journal";
    const gap = openedGap({ stream: null, cause: "undecodable", from, detail, action });
    session.gap = { id: this.#account.emitGap(CONNECTION, gap), from };
  }

  /** Closes the gap of a session whose plan is unknown. */
  closeUnderived(session: SessionMemory, { id, from }: SessionGap, at: Micros): void {
    const detail = unknownPlan(session.origin);
    const action = "frames kept in the journal";
    const gap = closedGap({ stream: null, cause: "undecodable", from, to: at, detail, action });
    this.#account.emitGap(CONNECTION, gap, id);
  }

  /** Closes the gap of a session whose `opened` record is unknown. */
  closeOrphan(record: ClosedRecord): void {
    const { orphans } = this.#memory();
    const orphan = orphans.get(record.session);
    if (orphan === undefined) return;
    orphans.delete(record.session);
    const account = this.#account;
    account.exchange = UNKNOWN_EXCHANGE;
    const detail = unknownSession(record.session);
    const action = "frames kept in the journal";
    const { from, gapId } = orphan;
    const gap = closedGap({ stream: null, cause: "undecodable", from, to: record.at, detail, action });
    account.emitGap(CONNECTION, gap, gapId);
  }

  /** Emits gaps for frames or records missing from one session, or from every open one. */
  dropped(record: DroppedRecord): void {
    const account = this.#account;
    const { sessions } = this.#memory();
    const { frames, reason, fromTs: from, toTs: to } = record;
    const detail = frames === 0 ? reason : `${frames} frames: ${reason}`;
    const gap = closedGap({ stream: null, cause: "dropped", from, to, detail, action: "counted" });
    const concerned = record.session === null ? [...sessions.keys()] : [record.session];
    for (const id of concerned.length === 0 ? [0] : concerned) {
      const session = sessions.get(id);
      account.exchange = session?.exchange ?? "";
      account.session = id;
      account.emitGap(CONNECTION, gap);
      if (session !== undefined) this.#books.loseUnnumbered(session, detail, "dropped");
    }
  }

  /** Emits a gap for each instance with open sessions, because receive times before and after cannot be compared. */
  clockStepped({ fromTs, toTs }: ClockRecord): void {
    const account = this.#account;
    this.#followClock(toTs - fromTs);
    const seconds = (Math.abs(toTs - fromTs) / 1_000_000).toFixed(3);
    const detail = `the system's clock was set ${toTs < fromTs ? "back" : "forward"} by ${seconds} s`;
    const [from, to] = [Math.min(fromTs, toTs), Math.max(fromTs, toTs)];
    const gap = closedGap({
      stream: null,
      cause: "clock",
      from,
      to,
      detail,
      action: "receive times follow the clock",
    });
    const latest = new Map([...this.#memory().sessions.values()].map(({ exchange, id }) => [exchange, id]));
    for (const [exchange, session] of latest) {
      account.exchange = exchange;
      account.session = session;
      account.emitGap(CONNECTION, gap);
    }
  }

  /** Shifts all remembered receive times, so that durations across the clock step stay right. */
  #followClock(by: Micros): void {
    const { dedup, siblings, sessions } = this.#memory();
    dedup.clockStepped(by);
    siblings.clockStepped(by);
    for (const { books } of sessions.values()) for (const { keeper } of books?.all() ?? []) keeper.clockStepped(by);
  }

  /** Emits one gap for all faults of a frame. `session`: whose books may be concerned; null: none. */
  faulty(session: SessionMemory | null, read: NormalizedFrame): void {
    const losses = read.faults.filter(({ code }) => isLoss(code));
    if (losses.length === 0) return;
    const account = this.#account;
    const [first] = losses;
    const more = losses.length === 1 ? "" : ` and ${losses.length - 1} more`;
    const detail = `${first.code} ${first.where}${more}`.slice(0, EXAMPLE_CHARS_MAX);
    const { at } = account;
    const action = "frame kept in the journal";
    account.emitGap(
      CONNECTION,
      closedGap({ stream: null, cause: "undecodable", from: at, to: at, detail, action }),
    );
    // A frame that matched no rule may have been an update of any book.
    if (session !== null && read.rule === null) this.#books.loseUnnumbered(session, detail, "undecodable");
  }

  /**
   * Counts a frame or an answer whose plan is unknown as a fault. Emits a gap, unless that of its session covers it.
   */
  underived(session: SessionMemory | null, payload: Uint8Array): void {
    const account = this.#account;
    const where = session === null ? "plan unknown" : unknownPlan(session.origin);
    account.faults = [{ code: "undecodable", where, example: exampleOf(payload) }];
    if (session !== null && session.gap !== null) {
      session.lastTs = account.at;
      return;
    }
    const { at } = account;
    const action = "answer kept in the journal";
    account.emitGap(
      CONNECTION,
      closedGap({ stream: null, cause: "undecodable", from: at, to: at, detail: where, action }),
    );
  }

  /** Counts a frame of a session whose `opened` record is unknown as a fault, and opens one gap per session. */
  orphan(record: FrameRecord): void {
    const account = this.#account;
    const { orphans } = this.#memory();
    account.exchange = UNKNOWN_EXCHANGE;
    account.session = record.session;
    const detail = unknownSession(record.session);
    account.faults = [{ code: "undecodable", where: "session unknown", example: exampleOf(record.payload) }];
    if (orphans.has(record.session)) return;
    const action = "frames kept in the journal";
    const from = record.at;
    const gapId = account.emitGap(CONNECTION, openedGap({ stream: null, cause: "undecodable", from, detail, action }));
    if (orphans.size >= ORPHANS_MAX) {
      const [oldest] = orphans.keys();
      orphans.delete(oldest);
    }
    orphans.set(record.session, { gapId, from });
  }

  /** Emits a gap for a record whose derivation a bug stopped, and invalidates the books of its session. */
  quarantined(record: JournalRecord, error: unknown): void {
    const account = this.#account;
    const bug = (error instanceof Error ? `${error.name}: ${error.message}` : String(error))
      .slice(0, EXAMPLE_CHARS_MAX);
    const id = record.kind === "opened" ? account.offset : "session" in record ? record.session ?? 0 : 0;
    const session = this.#memory().sessions.get(id);
    account.bug = bug;
    account.session = id;
    account.exchange = "exchange" in record ? record.exchange : session?.exchange ?? "";
    const { at } = account;
    const detail = `a bug stopped the derivation of record ${account.offset}: ${bug}`.slice(0, EXAMPLE_CHARS_MAX);
    const action = "record kept in the journal";
    account.emitGap(
      CONNECTION,
      closedGap({ stream: null, cause: "undecodable", from: at, to: at, detail, action }),
    );
    if (session !== undefined) this.#books.loseAll(session, detail);
  }
}

/**
 * Whether a fault means that data may be missing. It does not if a frame merely matches no rule, an answer has no data
 * (it is requested again), or a quote is of an empty book.
 */
function isLoss(code: FaultCode): boolean {
  return code !== "unmatched" && code !== "empty_answer" && code !== "empty_quote";
}
