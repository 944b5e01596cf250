import {
  type ControlSignal,
  type DedupPlan,
  type Envelope,
  EXAMPLE_CHARS_MAX,
  type FaultCode,
  type FramePlan,
  type FrameRecord,
  type Gap,
  type HttpRecord,
  type JournalRecord,
  type Micros,
  type Offset,
  type OpenedRecord,
  type SessionId,
  type Stream,
} from "../model/mod.ts";
import { type Fault, type NormalizedFrame, Normalizer } from "../normalize/mod.ts";
import { Deduplicator, type DedupState } from "./deduplicator.ts";
import { type GapState, GapTracker } from "./gap_tracker.ts";

/** What a record became. The object and its arrays are reused: read them before the next call. */
export interface PipelineResult {
  readonly envelopes: readonly Envelope[];
  /** What the frame means to its session, if it is a control frame. */
  readonly signal: ControlSignal | null;
  readonly faults: readonly Fault[];
  /** The rule that the frame matched; null where none did, and for records that are not frames. */
  readonly rule: string | null;
  /** Streams that the frame carried data of, duplicates included. */
  readonly streams: readonly Stream[];
  /** How many events were dropped as duplicates. */
  readonly duplicates: number;
  /** Native symbols seen for the first time without an entry in the map. */
  readonly unmapped: readonly string[];
  /** Exchange instance concerned; empty where the record belongs to no known session. */
  readonly exchange: string;
}

interface MutableResult {
  envelopes: Envelope[];
  signal: ControlSignal | null;
  faults: readonly Fault[];
  rule: string | null;
  streams: Stream[];
  duplicates: number;
  unmapped: readonly string[];
  exchange: string;
}

/** One running session as the pipeline knows it. */
interface SessionInfo {
  readonly exchange: string;
  readonly connectionId: string;
  readonly normalizer: Normalizer | null;
}

interface PipelineState {
  readonly sessions: readonly (readonly [SessionId, { readonly exchange: string; readonly connection: string }])[];
  readonly normalizers: Readonly<Record<string, unknown>>;
  readonly gaps: GapState;
  readonly dedup: DedupState;
}

const NO_FAULTS: readonly Fault[] = [];
const NO_NAMES: readonly string[] = [];

/**
 * Journal records in, envelopes out: one synchronous function without clock, I/O or randomness, so that the same records
 * and the same plans give the same events, live, in replay and for a sink that catches up. Decode, route, extract and
 * normalise happen in the normalizer of the record's exchange; here are sessions, gaps, duplicates and identity.
 */
export class Pipeline {
  readonly #normalizers = new Map<string, Normalizer>();
  readonly #natives = new Map<string, ReadonlyMap<string, string>>();
  readonly #sessions = new Map<SessionId, SessionInfo>();
  readonly #gaps = new GapTracker();
  readonly #dedup: Deduplicator | null;
  readonly #result: MutableResult = {
    envelopes: [],
    signal: null,
    faults: NO_FAULTS,
    rule: null,
    streams: [],
    duplicates: 0,
    unmapped: NO_NAMES,
    exchange: "",
  };

  constructor(plans: Iterable<FramePlan>, dedup: DedupPlan) {
    for (const plan of plans) this.setPlan(plan);
    this.#dedup = dedup.enabled ? new Deduplicator(dedup) : null;
  }

  /** Adds an exchange instance or gives it a new plan; sessions opened before keep the old one. */
  setPlan(plan: FramePlan): void {
    this.#normalizers.set(plan.exchange, new Normalizer(plan));
    const natives = new Map<string, string>();
    for (const symbols of plan.canonical.values()) {
      for (const [native, canonical] of symbols) natives.set(canonical, native);
    }
    this.#natives.set(plan.exchange, natives);
  }

  /** Turns one record into events. Never throws on what an exchange sent. */
  process(offset: Offset, record: JournalRecord): PipelineResult {
    const result = this.#result;
    result.envelopes = [];
    result.signal = null;
    result.faults = NO_FAULTS;
    result.rule = null;
    result.streams = [];
    result.duplicates = 0;
    result.unmapped = NO_NAMES;
    result.exchange = "";
    switch (record.kind) {
      case "frame":
        this.#frame(offset, record);
        break;
      case "http":
        this.#http(offset, record);
        break;
      case "opened":
        this.#opened(offset, record);
        break;
      case "closed":
        result.exchange = this.#sessions.get(record.session)?.exchange ?? "";
        this.#gaps.closed(record.session, record);
        this.#sessions.get(record.session)?.normalizer?.forgetSession(record.session);
        this.#sessions.delete(record.session);
        break;
      case "rejected":
        for (const stream of record.streams) this.#rejected(offset, record.session, record.at, stream, record.reason);
        break;
      case "dropped":
        this.#emitGap(offset, record.session, record.at, "", {
          kind: "gap",
          stream: null,
          cause: "dropped",
          from_ts: record.fromTs,
          to_ts: record.toTs,
          from_sequence: null,
          to_sequence: null,
          detail: `${record.frames} frames: ${record.reason}`,
          action: "counted",
        });
        break;
      case "acked":
      case "checkpoint":
        break;
    }
    return result;
  }

  /** Everything that has to be known to go on after the records so far, as JSON text. */
  saveState(): string {
    const state: PipelineState = {
      sessions: [...this.#sessions].map((
        [id, info],
      ) => [id, { exchange: info.exchange, connection: info.connectionId }] as const),
      normalizers: Object.fromEntries([...this.#normalizers].map(([name, n]) => [name, n.saveState()])),
      gaps: this.#gaps.saveState(),
      dedup: this.#dedup?.saveState() ?? [],
    };
    return JSON.stringify(state);
  }

  /** Goes on from a saved state. Throws where the text was not written by `saveState`. */
  restoreState(text: string): void {
    const state = JSON.parse(text) as PipelineState;
    this.#sessions.clear();
    for (const [id, { exchange, connection }] of state.sessions) {
      this.#sessions.set(id, {
        exchange,
        connectionId: connection,
        normalizer: this.#normalizers.get(exchange) ?? null,
      });
    }
    for (const [name, normalizer] of this.#normalizers) {
      const saved = state.normalizers[name];
      if (saved !== undefined) normalizer.restoreState(saved);
    }
    this.#gaps.restoreState(state.gaps);
    this.#dedup?.restoreState(state.dedup);
  }

  #opened(offset: Offset, record: OpenedRecord): void {
    this.#result.exchange = record.exchange;
    this.#sessions.set(offset, {
      exchange: record.exchange,
      connectionId: connectionIdOf(record.connection),
      normalizer: this.#normalizers.get(record.exchange) ?? null,
    });
    this.#gaps.opened(offset, record);
  }

  #frame(offset: Offset, record: FrameRecord): void {
    const session = this.#sessions.get(record.session);
    if (session === undefined || session.normalizer === null) {
      this.#result.exchange = session?.exchange ?? "";
      return;
    }
    const read = session.normalizer.read({
      session: record.session,
      connectionId: session.connectionId,
      payload: record.payload,
      binary: record.binary,
      receivedTs: record.at,
    });
    this.#take(offset, record.session, session.exchange, record.at, record.payload, read);
  }

  #http(offset: Offset, record: HttpRecord): void {
    this.#result.exchange = record.exchange;
    const normalizer = this.#normalizers.get(record.exchange);
    if (normalizer === undefined || record.status !== 200) return;
    const session = record.session === null ? undefined : this.#sessions.get(record.session);
    const read = normalizer.readHttp({
      session: record.session,
      connectionId: session?.connectionId ?? null,
      request: record.request,
      native: record.native,
      body: record.body,
      receivedTs: record.at,
    });
    this.#take(offset, record.session ?? 0, record.exchange, record.at, record.body, read);
  }

  #take(
    offset: Offset,
    session: SessionId,
    exchange: string,
    at: Micros,
    payload: Uint8Array,
    read: NormalizedFrame,
  ): void {
    const result = this.#result;
    result.exchange = exchange;
    result.signal = read.signal;
    result.faults = read.faults;
    result.rule = read.rule;
    result.unmapped = read.unmapped;
    const envelopes = result.envelopes;
    let last: Stream | null = null;
    for (const found of read.events) {
      const { channel, symbol } = found;
      if (channel !== null) {
        if (last === null || last.symbol !== symbol || last.channel !== channel) {
          result.streams.push(last = { channel, symbol });
        }
        const gap = this.#gaps.sawData(session, channel, symbol, at);
        if (gap !== null) this.#push({ offset, session, at, symbol, native: found.native_symbol }, gap);
      }
      const envelope: Envelope = {
        exchange,
        symbol: found.symbol,
        native_symbol: found.native_symbol,
        exchange_ts: found.exchange_ts,
        received_ts: at,
        session,
        offset,
        index: envelopes.length,
        event: found.event,
      };
      if (this.#dedup !== null && this.#dedup.isDuplicate(envelope, payload)) result.duplicates++;
      else envelopes.push(envelope);
    }
    if (read.faults.length > 0) this.#faultGap(offset, session, at, read.faults);
  }

  /** One gap for all that is wrong with a frame. */
  #faultGap(offset: Offset, session: SessionId, at: Micros, faults: readonly Fault[]): void {
    const losses = faults.filter(({ code }) => isLoss(code));
    if (losses.length === 0) return;
    const [first] = losses;
    const more = losses.length === 1 ? "" : ` and ${losses.length - 1} more`;
    this.#emitGap(offset, session, at, "", {
      kind: "gap",
      stream: null,
      cause: "undecodable",
      from_ts: at,
      to_ts: at,
      from_sequence: null,
      to_sequence: null,
      detail: `${first.code} ${first.where}${more}`.slice(0, EXAMPLE_CHARS_MAX),
      action: "frame kept in the journal",
    });
  }

  #rejected(offset: Offset, session: SessionId, at: Micros, stream: Stream, reason: string): void {
    this.#emitGap(offset, session, at, stream.symbol, {
      kind: "gap",
      stream: stream.channel,
      cause: "rejected",
      from_ts: at,
      to_ts: null,
      from_sequence: null,
      to_sequence: null,
      detail: reason,
      action: "stream left out",
    });
  }

  #emitGap(offset: Offset, session: SessionId, at: Micros, symbol: string, gap: Gap): void {
    const result = this.#result;
    if (result.exchange === "") result.exchange = this.#sessions.get(session)?.exchange ?? "";
    const native = this.#natives.get(result.exchange)?.get(symbol) ?? symbol;
    this.#push({ offset, session, at, symbol, native }, gap);
  }

  #push(
    place: { readonly offset: Offset; readonly session: SessionId; readonly at: Micros } & {
      readonly symbol: string;
      readonly native: string;
    },
    gap: Gap,
  ): void {
    const { exchange, envelopes } = this.#result;
    envelopes.push({
      exchange,
      symbol: place.symbol,
      native_symbol: place.native,
      exchange_ts: null,
      received_ts: place.at,
      session: place.session,
      offset: place.offset,
      index: envelopes.length,
      event: gap,
    });
  }
}

/** The descriptor's connection id behind a connection key: shards carry `#2`, `#3` … after it. */
export function connectionIdOf(key: string): string {
  const at = key.indexOf("#");
  return at < 0 ? key : key.slice(0, at);
}

/** Whether a fault means that data may be missing; a frame that merely matches no rule is counted, not a hole. */
function isLoss(code: FaultCode): boolean {
  return code !== "unmatched";
}
