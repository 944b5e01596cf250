import {
  type Channel,
  type ClockRecord,
  type ClosedRecord,
  type DroppedRecord,
  EXAMPLE_CHARS_MAX,
  type FaultCode,
  type FrameRecord,
  type GapCause,
  type HttpRecord,
  type JournalRecord,
  type Micros,
  type OpenedRecord,
  ORPHANS_MAX,
  readMissedAnswer,
  type RejectedRecord,
  SESSIONS_MAX,
  type StreamsRecord,
} from "../model/mod.ts";
import { exampleOf, type NormalizedFrame } from "../normalize/mod.ts";
import { CONNECTION, type EventPlace, type RecordAccount, UNKNOWN_EXCHANGE } from "./account.ts";
import type { BookStage } from "./book_stage.ts";
import type { EndedGap } from "./fill_ledger.ts";
import { closedGap, describeClose, openedGap } from "./gaps.ts";
import type { PipelineMemory } from "./pipeline_memory.ts";
import type { CompiledDerivation } from "./plan_store.ts";
import { openSession, type SessionGap, type SessionMemory, unknownPlan, unknownSession } from "./session_memory.ts";

/** A stream as a session's data name it. */
interface DataStream extends EventPlace {
  readonly channel: Channel;
}

/** What ends the gaps of polled streams: answers that belong to no session. */
const POLL = { session: 0, connectionId: "" } as const;

/** Turns what ends, fails or is missing into gaps, and ends them when their streams have data again. */
export class GapStage {
  readonly #account: RecordAccount;
  readonly #memory: () => PipelineMemory;
  readonly #books: BookStage;
  readonly #ended: (session: SessionMemory, stream: DataStream, gap: EndedGap) => void;

  constructor(
    options: {
      readonly account: RecordAccount;
      readonly memory: () => PipelineMemory;
      readonly books: BookStage;
      /** Told of each gap of a session's stream that its data have ended. */
      readonly ended: (session: SessionMemory, stream: DataStream, gap: EndedGap) => void;
    },
  ) {
    this.#account = options.account;
    this.#memory = options.memory;
    this.#books = options.books;
    this.#ended = options.ended;
  }

  /** A session begins. One whose plan is unknown is in a gap from here on. */
  opened(record: OpenedRecord): void {
    const account = this.#account;
    const memory = this.#memory();
    const session = openSession(account.offset, record, memory.plans.resolve(record));
    memory.sessions.set(session.id, session);
    if (memory.sessions.size > SESSIONS_MAX) {
      const [oldest] = memory.sessions.keys();
      memory.sessions.delete(oldest);
    }
    account.exchange = record.exchange;
    account.session = session.id;
    if (session.derivation !== null) return;
    const detail = unknownPlan(session.origin);
    const action = "frames kept in the journal";
    const from = record.at;
    const id = account.emitGap(CONNECTION, openedGap({ stream: null, cause: "undecodable", from, detail, action }));
    session.gap = { id, from };
  }

  /** A session ends: every stream of it that no other session shows is in a gap from its last data on. */
  closed(record: ClosedRecord): void {
    const account = this.#account;
    const memory = this.#memory();
    account.session = record.session;
    const session = memory.sessions.get(record.session);
    if (session === undefined) return this.#closeOrphan(record);
    memory.sessions.delete(session.id);
    account.exchange = session.exchange;
    if (session.gap !== null) this.#closeUnderived(session, session.gap, record.at);
    this.#openBookGaps(session);
    const detail = describeClose(record);
    for (const [symbol, channels] of session.streams) {
      for (const [channel, at] of channels) {
        const from = Math.abs(at);
        if (memory.gaps.has(session.exchange, symbol, channel)) continue;
        if (this.#isShownElsewhere(session, symbol, channel)) continue;
        const place = { symbol, native: session.nativeOf(symbol) };
        const gap = { stream: channel, cause: "disconnect", from, detail, action: "none" } as const;
        const id = account.emitGap(place, openedGap(gap));
        this.#remember(session, { channel, symbol }, { id, cause: gap.cause, from, fromSequence: null, detail });
      }
    }
  }

  /** Data of a stream came: its gaps end. */
  sawData(session: SessionMemory | null, { channel, symbol, native }: DataStream): void {
    const account = this.#account;
    const { exchange } = account;
    session?.sawData(channel, symbol, account.at);
    const { gaps } = this.#memory();
    if (gaps.of(exchange).size === 0) return;
    const by = session === null ? POLL : { session: session.id, connectionId: session.connectionId };
    // An answer that covers many instruments ends the gap of all of them.
    if (session === null && symbol !== "") this.sawData(null, { channel, symbol: "", native: "" });
    for (const { id, cause, from, fromSequence, detail } of gaps.end(exchange, { symbol, channel }, by)) {
      const action = cause === "disconnect" ? "reconnected" : "recovered";
      const gap = closedGap({ stream: channel, cause, from, fromSequence, to: account.at, detail, action });
      account.emitGap({ symbol, native }, gap, id);
      if (session === null) continue;
      this.#ended(session, { channel, symbol, native }, { gapId: id, cause, from, to: account.at });
    }
  }

  /** A poll went without an answer for too long: its streams are in a gap until one comes. */
  pollMissed(record: HttpRecord, { frames, normalizer }: CompiledDerivation): void {
    const { gaps } = this.#memory();
    const account = this.#account;
    const missed = readMissedAnswer(record.body);
    if (missed === null) return;
    const { exchange, native } = record;
    const { from, reason: detail } = missed;
    const symbol = native === "" ? "" : normalizer.canonicalOf(native);
    const channels = new Set(
      frames.events.filter(({ source }) => source === record.request).map((rule) => rule.channel),
    );
    for (const channel of channels) {
      if (gaps.has(exchange, symbol, channel)) continue;
      const gap = { stream: channel, cause: "stale", from, detail, action: "asked again" } as const;
      const id = account.emitGap({ symbol, native }, openedGap(gap));
      const open = { id, cause: gap.cause, from, fromSequence: null, detail };
      gaps.add(exchange, symbol, channel, { ...open, connectionId: POLL.connectionId, since: account.offset });
    }
  }

  /** Streams were rejected: each is in a gap until it has data after all. */
  rejected(record: RejectedRecord): void {
    const account = this.#account;
    const { sessions, gaps } = this.#memory();
    const session = sessions.get(record.session);
    account.session = record.session;
    account.exchange = session?.exchange ?? "";
    for (const { channel, symbol } of record.streams) {
      if (session !== undefined && gaps.has(session.exchange, symbol, channel, "rejected")) continue;
      const place = { symbol, native: session?.nativeOf(symbol) ?? symbol };
      const { at: from, reason: detail } = record;
      const gap = openedGap({ stream: channel, cause: "rejected", from, detail, action: "stream left out" });
      const id = account.emitGap(place, gap);
      if (session === undefined) continue;
      this.#remember(session, { channel, symbol }, { id, cause: "rejected", from, fromSequence: null, detail });
    }
  }

  /** An open session asks for other streams: those that leave are in a gap from their last data on, until they come back. */
  streamsChanged({ session: id, at, planHash, added, removed }: StreamsRecord): void {
    const account = this.#account;
    const { sessions, gaps, plans } = this.#memory();
    account.session = id;
    const session = sessions.get(id);
    if (session === undefined) return;
    account.exchange = session.exchange;
    const derivation = plans.resolve({ ...session.origin, planHash });
    if (derivation !== null && session.derivation !== null) session.follow(planHash, derivation);
    session.expect(added.filter(({ channel, symbol }) => !session.hasData(channel, symbol)), at);
    for (const { channel, symbol } of removed) {
      const from = Math.abs(session.forget(channel, symbol) ?? at);
      if (gaps.has(session.exchange, symbol, channel) || this.#isShownElsewhere(session, symbol, channel)) continue;
      const place = { symbol, native: session.nativeOf(symbol) };
      const detail = "the configuration asks for it no more";
      const gap = openedGap({ stream: channel, cause: "unsubscribed", from, detail, action: "none" });
      const gapId = account.emitGap(place, gap);
      this.#remember(session, { channel, symbol }, {
        id: gapId,
        cause: "unsubscribed",
        from,
        fromSequence: null,
        detail,
      });
    }
  }

  /** Frames or records are missing from one session, or from every open one. */
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

  /** Tells each exchange instance with open sessions: receive times before and after are not of one scale. */
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

  /** Durations are those of time that passes: what they count from is moved to the new scale. */
  #followClock(by: Micros): void {
    const { dedup, sessions } = this.#memory();
    dedup.clockStepped(by);
    for (const { books } of sessions.values()) for (const { keeper } of books?.all() ?? []) keeper.clockStepped(by);
  }

  /** Tells one gap for all that is wrong with a frame. `session`: whose books may be concerned; null: none. */
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
    // What a frame held that nothing could be read of may have been an update of any book.
    if (session !== null && read.rule === null) this.#books.loseUnnumbered(session, detail, "undecodable");
  }

  /** A frame or an answer whose plan is unknown: counted as a fault. The gap of its session tells of it, or its own. */
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

  /** A frame of a session whose opening is unknown: counted as a fault, and told once a session. */
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

  /** A bug stopped the derivation of a record. */
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

  /** The records end for good: books that wait for their first snapshot are told as gaps. */
  finished(): void {
    for (const session of this.#memory().sessions.values()) {
      this.#account.exchange = session.exchange;
      this.#account.session = session.id;
      this.#openBookGaps(session);
    }
  }

  /** Keeps the open gaps of a session's books for the next session that has their streams. */
  #openBookGaps(session: SessionMemory): void {
    for (const kept of session.books?.all() ?? []) {
      const open = kept.keeper.openGap;
      if (open === null) continue;
      const { cause, fromTs: from, fromSequence, detail } = open;
      if (kept.gapId === "") {
        const gap = openedGap({ stream: "book", cause, from, fromSequence, detail, action: "none" });
        kept.gapId = this.#account.emitGap(kept, gap);
      }
      this.#remember(session, kept, { id: kept.gapId, cause, from, fromSequence, detail });
    }
  }

  #remember(
    session: SessionMemory,
    { channel, symbol }: { readonly channel: Channel; readonly symbol: string },
    gap: {
      readonly id: string;
      readonly cause: GapCause;
      readonly from: Micros | null;
      readonly fromSequence: string | null;
      readonly detail: string;
    },
  ): void {
    const { connectionId } = session;
    this.#memory().gaps.add(session.exchange, symbol, channel, { ...gap, connectionId, since: this.#account.offset });
  }

  /** Whether another session of the same connection, on another shard or socket, has data of the stream. */
  #isShownElsewhere(session: SessionMemory, symbol: string, channel: Channel): boolean {
    for (const other of this.#memory().sessions.values()) {
      if (other.exchange !== session.exchange || other.connectionId !== session.connectionId) continue;
      if (other.hasData(channel, symbol)) return true;
    }
    return false;
  }

  #closeUnderived(session: SessionMemory, { id, from }: SessionGap, at: Micros): void {
    const detail = unknownPlan(session.origin);
    const action = "frames kept in the journal";
    const gap = closedGap({ stream: null, cause: "undecodable", from, to: at, detail, action });
    this.#account.emitGap(CONNECTION, gap, id);
  }

  #closeOrphan(record: ClosedRecord): void {
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
}

/**
 * Whether a fault means that data may be missing. A frame that merely matches no rule is counted and no hole; neither is an
 * answer without data, which is asked for again, nor a quote of an empty book.
 */
function isLoss(code: FaultCode): boolean {
  return code !== "unmatched" && code !== "empty_answer" && code !== "empty_quote";
}
