import {
  type Channel,
  type ClosedRecord,
  type GapCause,
  type HttpRecord,
  type LastSeen,
  type Micros,
  type OpenedRecord,
  readMissedAnswer,
  type RejectedRecord,
  SESSIONS_MAX,
  type ShareRecord,
  type StalledRecord,
  type Stream,
  type StreamsRecord,
} from "../model/mod.ts";
import { CONNECTION, type EventPlace, type RecordAccount } from "./account.ts";
import { type KeptBook, SUPPRESSED } from "./books.ts";
import type { ConnectionGaps } from "./connection_gaps.ts";
import type { EndedGap } from "./fill_ledger.ts";
import { closedGap, describeClose, openedGap } from "./gaps.ts";
import type { PipelineMemory } from "./pipeline_memory.ts";
import type { CompiledDerivation } from "./plan_store.ts";
import { openSession, type SessionMemory, unknownPlan } from "./session_memory.ts";
import { isShownBySibling } from "./sibling_stage.ts";

/** A stream with its native symbol. */
interface DataStream extends EventPlace {
  readonly channel: Channel;
}

/** Source of data of polled streams: answers that belong to no session. */
const POLL = { session: 0, connectionId: "" } as const;

/** What the gap stage needs of other stages. */
export interface GapStageOptions {
  readonly account: RecordAccount;
  readonly memory: () => PipelineMemory;
  /** Gaps of whole connections. */
  readonly whole: ConnectionGaps;
  /** Called for each gap of a session's stream that is closed by data. */
  readonly ended: (session: SessionMemory, stream: DataStream, gap: EndedGap) => void;
  /** Called for each stream of an instance that is no longer subscribed to. */
  readonly left: (exchange: string, stream: Stream) => void;
  /** Called with the last event that another collector had of a stream, if a gap follows it. */
  readonly takenOver: (exchange: string, last: LastSeen, receivedTs: Micros) => void;
}

/** Opens gaps of streams that end, fail or miss data, and closes them when the streams have data again. */
export class GapStage {
  readonly #account: RecordAccount;
  readonly #memory: () => PipelineMemory;
  readonly #options: GapStageOptions;

  constructor(options: GapStageOptions) {
    this.#options = options;
    this.#account = options.account;
    this.#memory = options.memory;
  }

  /** Begins a session. If its plan is unknown, opens a gap. */
  opened(record: OpenedRecord): void {
    const account = this.#account;
    const memory = this.#memory();
    const session = openSession(account.offset, record, memory.plans.resolve(record));
    memory.sessions.set(session.id, session);
    memory.siblings.opened(session, record.at);
    if (memory.sessions.size > SESSIONS_MAX) {
      const [[id, oldest]] = memory.sessions;
      memory.sessions.delete(id);
      memory.siblings.closed(oldest, record.at);
    }
    account.exchange = record.exchange;
    account.session = session.id;
    if (session.derivation === null) this.#options.whole.openUnderived(session, record.at);
  }

  /** Ends a session: opens a gap, from its last data on, for each of its streams that no other session shows. */
  closed(record: ClosedRecord): void {
    const account = this.#account;
    const memory = this.#memory();
    account.session = record.session;
    const session = memory.sessions.get(record.session);
    if (session === undefined) return this.#options.whole.closeOrphan(record);
    memory.sessions.delete(session.id);
    account.exchange = session.exchange;
    if (session.gap !== null) this.#options.whole.closeUnderived(session, session.gap, record.at);
    this.#openBookGaps(session);
    const detail = describeClose(record);
    for (const [symbol, channels] of session.streams) {
      for (const [channel, at] of channels) {
        // The gap of a stream that has left was emitted when it left.
        if (at === null) continue;
        const from = Math.abs(at);
        if (memory.gaps.has(session.exchange, symbol, channel)) continue;
        if (this.#isShownElsewhere(session, symbol, channel)) continue;
        const place = { symbol, native: session.nativeOf(symbol) };
        const gap = { stream: channel, cause: "disconnect", from, detail, action: "none" } as const;
        const id = account.emitGap(place, openedGap(gap));
        this.#remember(session, { channel, symbol }, { id, cause: gap.cause, from, fromSequence: null, detail });
        session.siblings?.forgetLeads(channel, symbol);
      }
    }
    memory.siblings.closed(session, record.at);
  }

  /** Closes the gaps of a stream, because it has data. */
  sawData(session: SessionMemory | null, { channel, symbol, native }: DataStream): void {
    const account = this.#account;
    const { exchange } = account;
    if (session?.sawData(channel, symbol, account.at) === false) return;
    const { gaps } = this.#memory();
    if (gaps.of(exchange).size === 0) return;
    const by = session === null ? POLL : { session: session.id, connectionId: session.connectionId };
    // An answer that covers many instruments closes the gap of all of them.
    if (session === null && symbol !== "") this.sawData(null, { channel, symbol: "", native: "" });
    for (const { id, cause, from, fromSequence, detail } of gaps.end(exchange, { symbol, channel }, by)) {
      const action = cause === "disconnect" ? "reconnected" : "recovered";
      const gap = closedGap({ stream: channel, cause, from, fromSequence, to: account.at, detail, action });
      account.emitGap({ symbol, native }, gap, id);
      if (session === null) continue;
      this.#options.ended(session, { channel, symbol, native }, { gapId: id, cause, from, to: account.at });
    }
  }

  /** Opens gaps for the streams of a poll that had no answer for too long, until one comes. */
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

  /** Opens a gap for each rejected stream, until it has data. */
  rejected(record: RejectedRecord): void {
    const account = this.#account;
    const session = this.#memory().sessions.get(record.session);
    account.session = record.session;
    account.exchange = session?.exchange ?? "";
    const { at: from, reason: detail } = record;
    const gap = { cause: "rejected", from, detail, action: "stream left out" } as const;
    for (const stream of record.streams) {
      if (session !== undefined && isShownBySibling(session, stream, record.at)) continue;
      if (session !== undefined) this.#openStream(session, stream, gap);
      else account.emitGap(placeOf(stream), openedGap({ ...gap, stream: stream.channel }));
    }
  }

  /**
   * Opens the gap of a stalled stream, from its last data on, unless another socket still shows it. Further steps are
   * added to the detail of the closing event.
   */
  stalled({ session: id, stream, from, action, reason: detail }: StalledRecord): void {
    const account = this.#account;
    account.session = id;
    const session = this.#memory().sessions.get(id);
    if (session === undefined || session.hasLeft(stream.channel, stream.symbol)) return;
    account.exchange = session.exchange;
    if (this.#isShownSince(session, stream, from)) return;
    if (this.#memory().gaps.explain(session.exchange, stream, { cause: "stalled", more: action })) return;
    this.#openStream(session, stream, { cause: "stalled", from, detail, action });
  }

  /**
   * Applies a change of an open session's streams. A removed stream is in a gap from its last data on, until it comes
   * back; its missing data is not wanted, so it is not fetched. If the new plan is unknown, the session keeps its plan,
   * and added streams of channels that this plan omits are in a gap.
   */
  streamsChanged({ session: id, at, planHash, added, removed }: StreamsRecord): void {
    const account = this.#account;
    const { sessions, plans } = this.#memory();
    account.session = id;
    const session = sessions.get(id);
    if (session === undefined) return;
    account.exchange = session.exchange;
    const origin = { ...session.origin, planHash };
    const derivation = plans.resolve(origin);
    session.expect(added.filter(({ channel, symbol }) => !session.hasData(channel, symbol)), at);
    for (const stream of removed) this.#leave(session, stream, at);
    if (session.derivation === null) return;
    if (derivation !== null) return session.follow(planHash, derivation);
    const { wanted } = session.derivation.frames;
    const detail = unknownPlan(origin);
    const action = "frames kept in the journal";
    for (const stream of added) {
      if (wanted === null || wanted.includes(stream.channel)) continue;
      this.#openStream(session, stream, { cause: "undecodable", from: at, detail, action });
    }
  }

  #leave(session: SessionMemory, stream: Stream, at: Micros): void {
    const { channel, symbol } = stream;
    const from = Math.abs(session.leave(channel, symbol) ?? at);
    for (const kept of session.books?.forget(channel, symbol) ?? []) {
      // A gap that was emitted is closed under its id when the stream comes back.
      if (kept.gapId !== "") this.#openBookGap(session, kept);
    }
    if (this.#isShownElsewhere(session, symbol, channel)) return;
    this.#options.left(session.exchange, stream);
    const detail = "the configuration asks for it no more";
    this.#openStream(session, stream, { cause: "unsubscribed", from, detail, action: "none" });
  }

  /**
   * Emits a gap without duration that records that a share was taken or released. If nobody collected the streams
   * meanwhile, each is in a gap until its data comes, and the events between the other collector's last one and the
   * first one here can be fetched.
   */
  shareChanged(record: ShareRecord): void {
    const account = this.#account;
    const { gaps } = this.#memory();
    const { at, exchange, change, share, shares, other, fromTs, streams, last = [] } = record;
    account.exchange = exchange;
    account.session = 0;
    const isTaken = change === "taken";
    const whom = other === null ? "" : isTaken ? ` from ${other}` : `: ${other} collects it`;
    const detail = `share ${share} of ${shares} ${change}${whom}`;
    const action = isTaken ? "collected here" : "collected elsewhere";
    account.emitGap(CONNECTION, closedGap({ stream: null, cause: "takeover", from: at, to: at, detail, action }));
    // What others collect from here on is not fetched.
    if (!isTaken) { for (const stream of streams) this.#options.left(exchange, stream); }
    if (!isTaken || fromTs === null) return;
    const from = Math.min(fromTs, at);
    for (const one of last) this.#options.takenOver(exchange, one, from);
    for (const { channel, symbol } of streams) {
      if (gaps.has(exchange, symbol, channel, "takeover")) continue;
      const gap = openedGap({ stream: channel, cause: "takeover", from, detail, action });
      const id = account.emitGap(placeOf({ symbol }), gap);
      const open = { id, cause: "takeover", from, fromSequence: null, detail } as const;
      gaps.add(exchange, symbol, channel, { ...open, connectionId: POLL.connectionId, since: account.offset });
    }
  }

  /** Opens a gap of a stream, unless it is in one of the same cause. */
  #openStream(
    session: SessionMemory,
    stream: Stream,
    { cause, from, detail, action }: {
      readonly cause: GapCause;
      readonly from: Micros;
      readonly detail: string;
      readonly action: string;
    },
  ): void {
    const { channel, symbol } = stream;
    if (this.#memory().gaps.has(session.exchange, symbol, channel, cause)) return;
    const place = { symbol, native: session.nativeOf(symbol) };
    const id = this.#account.emitGap(place, openedGap({ stream: channel, cause, from, detail, action }));
    this.#remember(session, stream, { id, cause, from, fromSequence: null, detail });
  }

  /** Emits gaps of books that still wait for their first snapshot, because no more records follow. */
  finished(): void {
    for (const session of this.#memory().sessions.values()) {
      this.#account.exchange = session.exchange;
      this.#account.session = session.id;
      this.#openBookGaps(session);
    }
  }

  /** Hands the open gaps of a session's books on to the next session that has their streams. */
  #openBookGaps(session: SessionMemory): void {
    for (const kept of session.books?.all() ?? []) this.#openBookGap(session, kept);
  }

  #openBookGap(session: SessionMemory, kept: KeptBook): void {
    const open = kept.keeper.openGap;
    if (open === null || isShownBySibling(session, kept, this.#account.at)) return;
    const { cause, fromTs: from, fromSequence, detail } = open;
    if (kept.gapId === "" || kept.gapId === SUPPRESSED) {
      const gap = openedGap({ stream: "book", cause, from, fromSequence, detail, action: "none" });
      kept.gapId = this.#account.emitGap(kept, gap);
    }
    this.#remember(session, kept, { id: kept.gapId, cause, from, fromSequence, detail });
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

  /** Whether another session of the same connection had data of a stream after `ts`. */
  #isShownSince(session: SessionMemory, { symbol, channel }: Stream, ts: Micros): boolean {
    for (const other of this.#memory().sessions.values()) {
      if (other === session || other.exchange !== session.exchange) continue;
      if (other.connectionId !== session.connectionId) continue;
      if ((other.streams.get(symbol)?.get(channel) ?? -1) > ts) return true;
    }
    return false;
  }

  /** Whether another session of the same connection, on another shard or socket, has data of the stream. */
  #isShownElsewhere(session: SessionMemory, symbol: string, channel: Channel): boolean {
    if (isShownBySibling(session, { channel, symbol }, this.#account.at)) return true;
    for (const other of this.#memory().sessions.values()) {
      if (other.exchange !== session.exchange || other.connectionId !== session.connectionId) continue;
      if (other.siblings !== null && other.siblings === session.siblings) continue;
      if (other.hasData(channel, symbol)) return true;
    }
    return false;
  }
}

/** Returns the symbols of a stream whose native spelling is unknown. */
function placeOf({ symbol }: Pick<Stream, "symbol">): EventPlace {
  return { symbol, native: symbol };
}
