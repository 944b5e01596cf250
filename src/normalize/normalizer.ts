import { JsonDocument } from "../json/mod.ts";
import {
  type ControlSignal,
  type Decoding,
  EVENT_KINDS,
  EVENT_SPECS,
  type FrameLayout,
  type FramePlan,
  integerText,
  isRowKind,
  type Micros,
  type RuleKind,
} from "../model/mod.ts";
import { type CompiledEvent, type CompiledFrames, compileFrames } from "../program/mod.ts";
import { type Fault, type LostUpdate, type NormalizedChecksum, ReadContext } from "./context.ts";
import { applyAliasRule, findAlias } from "./alias_rules.ts";
import { ControlReader } from "./control_reader.ts";
import { decodePayload } from "./decoder.ts";
import { expressionText } from "./field.ts";
import { EventReader, type FrameOrigin } from "./event_reader.ts";
import { FrameEvents, type NormalizedEvent } from "./frame_events.ts";
import { FrameMemory } from "./frame_memory.ts";
import { InstrumentReader } from "./instrument_reader.ts";
import { type LaidOut, layOut } from "./layout.ts";
import { PARSE_RULE_NAME, RawReader } from "./raw_reader.ts";
import { Router } from "./router.ts";
import { SymbolMap, type SymbolPair } from "./symbols.ts";

/** Result of reading one frame. Reused, with its arrays: valid until the next call. */
export interface NormalizedFrame {
  readonly found: FrameEvents;
  /** The events as objects, created on access. */
  readonly events: readonly NormalizedEvent[];
  /** The signal of a control frame; null for data. */
  readonly signal: ControlSignal | null;
  /** Faults of the frame, `unmatched` included. */
  readonly faults: readonly Fault[];
  /** The control rule or the first event rule that matched; null if none did. */
  readonly rule: string | null;
  /** Checksums of books, sent in a frame of their own. */
  readonly checksums: readonly NormalizedChecksum[];
  /** Names of the rules whose rows updated a shared state and emitted no event, one for each row. */
  readonly noted: readonly string[];
  /** Book updates that could not be read, or only in part. */
  readonly lostUpdates: readonly LostUpdate[];
  /** Counter over the frames of the session; null if the frame has none. */
  readonly socketSequence: string | null;
  /** Whether a REST answer is what was requested; true for frames. */
  readonly isAnswer: boolean;
  /** Native symbols without an entry in the map that first occurred in this frame. */
  readonly unmapped: readonly string[];
}

/** A frame to read. `connectionId` is the descriptor's, without a shard number. */
export interface FrameInput {
  readonly connectionId: string;
  readonly payload: Uint8Array;
  readonly binary: boolean;
  readonly receivedTs: Micros;
}

/** A REST answer to read. */
export interface HttpInput {
  /** Whether it was requested for a session. Rows of polls were not, and are not merged. */
  readonly hasSession: boolean;
  /** Id of the descriptor's connection that it was requested for; it selects the symbol map. Null or absent: none. */
  readonly connectionId?: string | null;
  /** Name of the request in the descriptor. */
  readonly request: string;
  /** Requested native symbol; empty if the answer covers many. */
  readonly native: string;
  /** Its canonical symbol. Absent: looked up in the map. */
  readonly symbol?: string;
  readonly body: Uint8Array;
  readonly receivedTs: Micros;
}

/** Kinds of events that may not occur for a while, so that an answer with an empty list is valid. */
const OCCASIONAL: ReadonlySet<RuleKind> = new Set(
  EVENT_KINDS.filter(isRowKind).filter((kind) => EVENT_SPECS[kind].keepWhenFull),
);

/** The rules that apply to frames of one connection, or to answers of one request. */
interface Route {
  readonly decoding: Decoding;
  readonly layout: FrameLayout;
  /** Whether addresses of the connection name the symbol of their frames. */
  readonly hasAddress: boolean;
  /** Control rules by the text of their frames, for rules that match a whole text. */
  readonly texts: ReadonlyMap<string, ControlReader>;
  /** Length in bytes of the longest such text. */
  readonly textBytesMax: number;
  readonly controls: readonly ControlReader[];
  readonly controlRouter: Router;
  readonly events: readonly EventReader[];
  readonly eventRouter: Router;
}

/**
 * Turns frames of one exchange instance into events: decode, route, extract, normalize. Pure: without clock, I/O or
 * randomness; all state is in the memory passed to it. Every frame gives events of a rule, a signal, or a fault
 * (`unmatched` included). One instance reads one frame at a time.
 */
export class Normalizer {
  readonly #plan: CompiledFrames;
  readonly #context = new ReadContext(new JsonDocument(), new FrameMemory());
  readonly #symbols: SymbolMap;
  readonly #raw: RawReader | null;
  readonly #connections = new Map<string, Route>();
  readonly #requests = new Map<string, Route>();
  /** By the request name of their answers. */
  readonly #lists: ReadonlyMap<string, InstrumentReader>;
  /** Canonical to native symbol of the instruments that are emitted; null emits all. */
  readonly #asked: ReadonlyMap<string, string> | null;
  readonly #events = new FrameEvents();
  readonly #result: {
    found: FrameEvents;
    readonly events: readonly NormalizedEvent[];
    signal: ControlSignal | null;
    faults: readonly Fault[];
    rule: string | null;
    checksums: readonly NormalizedChecksum[];
    noted: readonly string[];
    lostUpdates: readonly LostUpdate[];
    socketSequence: string | null;
    isAnswer: boolean;
    unmapped: readonly string[];
  };

  /** Compiles the plan, so that nothing is shared with another reader of the same plan. */
  constructor(frames: FramePlan) {
    const plan = compileFrames(frames);
    this.#plan = plan;
    this.#symbols = new SymbolMap(plan.canonical);
    const { lists = [], asked = null } = frames.instruments ?? {};
    this.#lists = new Map(lists.map((rule) => [rule.name, new InstrumentReader(rule)]));
    this.#asked = asked === null ? null : new Map(Object.entries(asked));
    this.#raw = plan.parse === null || plan.events.length > 0 ? null : new RawReader(plan.parse, plan, this.#symbols);
    this.#result = {
      found: this.#events,
      get events() {
        return this.found.list();
      },
      signal: null,
      faults: this.#context.faults,
      rule: null,
      checksums: this.#context.checksums,
      noted: this.#context.noted,
      lostUpdates: this.#context.lostUpdates,
      socketSequence: null,
      isAnswer: true,
      unmapped: this.#context.freshSymbols,
    };
  }

  /** Reads one frame. `memory` is that of its session. The result is valid until the next call. */
  read(frame: FrameInput, memory: FrameMemory): NormalizedFrame {
    const { connectionId, payload, binary } = frame;
    const origin = { connectionId, asked: null, memory, hasSession: true };
    return this.#read(this.#connectionRoute(connectionId), payload, binary, origin);
  }

  /** Reads the answer of a REST request. `memory` is that of its session, or of the polls that belong to none. */
  readHttp(answer: HttpInput, memory: FrameMemory): NormalizedFrame {
    const pair = this.#askedPair(answer);
    const { hasSession } = answer;
    const connectionId = answer.connectionId ?? pair.connectionId;
    const origin = { connectionId, asked: pair.asked, memory, hasSession };
    const route = this.#requestRoute(answer.request);
    this.#read(route, answer.body, false, origin);
    this.#result.isAnswer = this.#isAnswer(route, answer);
    if (!this.#result.isAnswer && this.#context.faults.length === 0) {
      this.#context.note("empty_answer", answer.request);
    }
    return this.#result;
  }

  /** Whether answers of this name are pages of an instrument list. */
  readsList(request: string): boolean {
    return this.#lists.has(request);
  }

  /** Reads a page of an instrument list. `memory` is that of answers that belong to no session. */
  readList(
    { request, body, receivedTs }: Pick<HttpInput, "request" | "body" | "receivedTs">,
    memory: FrameMemory,
  ): NormalizedFrame {
    const context = this.#context;
    this.#begin(body, memory, false);
    if (!context.document.parse(body)) context.fail("not_json", context.document.error?.message ?? "");
    else {
      this.#result.rule = request;
      const emitted = { asked: this.#asked, known: memory.instruments, receivedTs };
      this.#lists.get(request)?.read(context, emitted, this.#events);
    }
    return this.#result;
  }

  /**
   * Whether an answer is what was requested, whatever its status: it has a complete event of the instrument or, for
   * kinds that occur now and then, an empty list.
   */
  #isAnswer(route: Route, { native }: HttpInput): boolean {
    const wanted = route.events.filter(({ rule }) => this.#isWanted(rule));
    if (wanted.length === 0) return true;
    const { lostUpdates, faults, rowsFound } = this.#context;
    const { batch, rules } = this.#events;
    for (let event = 0; event < batch.length; event++) {
      const own = batch.nativeSymbols[event];
      if (native !== "" && own !== native) continue;
      if (batch.kindAt(event) !== "book_snapshot") return true;
      if (!lostUpdates.some((lost) => lost.rule === rules[event] && lost.native_symbol === own)) return true;
    }
    return rowsFound && faults.length === 0 && wanted.every(({ rule }) => OCCASIONAL.has(rule.kind));
  }

  #read(route: Route, payload: Uint8Array, binary: boolean, origin: FrameOrigin): NormalizedFrame {
    const { memory } = origin;
    const context = this.#context;
    const result = this.#result;
    this.#begin(payload, memory, origin.hasSession);
    const bytes = decodePayload(payload, route.decoding, binary);
    if (bytes === null) {
      context.fail("undecodable", route.decoding);
      return result;
    }
    if (bytes !== payload) context.begin(bytes);
    if (bytes.length <= route.textBytesMax) {
      const reader = route.texts.get(new TextDecoder().decode(bytes));
      if (reader !== undefined) {
        result.signal = reader.bare();
        result.rule = reader.rule.name;
        return result;
      }
    }
    const laidOut = layOut(bytes, route.layout);
    if (!context.document.parse(laidOut.bytes)) {
      const error = context.document.error;
      const code = error === null || error.cause === "grammar" ? "not_json" : "undecodable";
      context.fail(code, error === null ? "" : `${error.message}${placeOf(error.at, laidOut)}`);
      return result;
    }
    const { socketSequence } = this.#plan;
    if (socketSequence !== null) {
      const text = expressionText(context, socketSequence);
      result.socketSequence = text === null ? null : integerText(text) ?? text;
    }
    const { aliasKey } = this.#plan;
    context.scope.route = (aliasKey === null ? null : findAlias(context, aliasKey)) ??
      (route.hasAddress ? memory.address : null);
    context.scope.listed = this.#plan.listed.get(origin.connectionId) ?? null;
    const reader = this.#controlOf(route);
    if (reader !== null) {
      result.signal = reader.read(context);
      result.rule = reader.rule.name;
      if (reader.rule.alias !== null) applyAliasRule(reader.rule.alias, context);
    } else if (this.#raw !== null) {
      result.rule = PARSE_RULE_NAME;
      this.#raw.read(context, origin, this.#events);
    } else if (route.eventRouter.match(context)) {
      for (const ordinal of route.eventRouter.matches) {
        const reader = route.events[ordinal];
        result.rule ??= reader.rule.name;
        if (this.#isWanted(reader.rule)) reader.read(context, origin, this.#events);
      }
    } else {
      context.fail("unmatched", origin.connectionId);
    }
    return result;
  }

  /** Begins a frame or answer. */
  #begin(payload: Uint8Array, memory: FrameMemory, hasSession: boolean): void {
    const context = this.#context;
    const result = this.#result;
    this.#events.clear();
    result.signal = null;
    result.rule = null;
    result.socketSequence = null;
    result.isAnswer = true;
    context.begin(payload);
    context.memory = memory;
    context.hasSession = hasSession;
    memory.firstFrames.begin();
  }

  /** Returns the first control rule that matches the frame; null if none does. */
  #controlOf({ controlRouter, controls }: Route): ControlReader | null {
    if (!controlRouter.match(this.#context)) return null;
    for (const ordinal of controlRouter.matches) {
      if (controls[ordinal].applies(this.#context)) return controls[ordinal];
    }
    return null;
  }

  #isWanted(rule: CompiledEvent): boolean {
    return this.#plan.wanted === null || this.#plan.wanted.has(rule.channel);
  }

  #connectionRoute(connectionId: string): Route {
    const known = this.#connections.get(connectionId);
    if (known !== undefined) return known;
    const applies = ({ connections }: { readonly connections: ReadonlySet<string> | null }) =>
      connections === null || connections.has(connectionId);
    const route = this.#createRoute(
      {
        decoding: this.#plan.decode.get(connectionId) ?? "text",
        layout: this.#plan.layouts.get(connectionId),
        hasAddress: this.#plan.perSymbol.has(connectionId),
      },
      this.#plan.controls.map((rule, index) => new ControlReader(rule, index)).filter(({ rule }) => applies(rule)),
      this.#plan.events.filter((rule) => rule.source === "ws" && applies(rule)),
    );
    this.#connections.set(connectionId, route);
    return route;
  }

  #requestRoute(request: string): Route {
    const known = this.#requests.get(request);
    if (known !== undefined) return known;
    const route = this.#createRoute(
      { decoding: "text" },
      [],
      this.#plan.events.filter((rule) => rule.source === request),
    );
    this.#requests.set(request, route);
    return route;
  }

  #createRoute(
    text: { readonly decoding: Decoding; readonly layout?: FrameLayout; readonly hasAddress?: boolean },
    controls: readonly ControlReader[],
    events: readonly CompiledEvent[],
  ): Route {
    const texts = new Map<string, ControlReader>();
    let textBytesMax = 0;
    for (const reader of controls) {
      const whole = reader.rule.text;
      if (whole === null || texts.has(whole)) continue;
      texts.set(whole, reader);
      textBytesMax = Math.max(textBytesMax, new TextEncoder().encode(whole).length);
    }
    const structured = controls.filter(({ rule }) => rule.when !== null);
    return {
      decoding: text.decoding,
      layout: text.layout ?? "document",
      hasAddress: text.hasAddress ?? false,
      texts,
      textBytesMax,
      controls: structured,
      controlRouter: new Router(structured.flatMap(({ rule }) => rule.when ?? [])),
      events: events.map((rule) => new EventReader(rule, this.#symbols, this.#plan.wanted === null)),
      eventRouter: new Router(events.map((rule) => rule.when)),
    };
  }

  /** Returns the canonical symbol of a native one; the native symbol itself if no map has it. */
  canonicalOf(native: string): string {
    for (const connectionId of this.#symbols.connections()) {
      const pair = this.#symbols.find(connectionId, native);
      if (pair !== null) return pair.canonical;
    }
    return native;
  }

  /** Returns the instrument that an answer was requested for, and a connection whose map has it. */
  #askedPair(answer: HttpInput): { readonly asked: SymbolPair | null; readonly connectionId: string } {
    const { native, symbol } = answer;
    const connections = answer.connectionId == null ? this.#symbols.connections() : [answer.connectionId];
    for (const connectionId of connections) {
      const pair = this.#symbols.find(connectionId, native);
      if (pair !== null && (symbol === undefined || pair.canonical === symbol)) return { asked: pair, connectionId };
    }
    const fallback = answer.connectionId ?? "";
    if (native === "") return { asked: null, connectionId: fallback };
    return { asked: { native, canonical: symbol ?? native }, connectionId: fallback };
  }
}

/** Returns where the parser stopped, as a position in the frame. */
function placeOf(at: number, { shift }: LaidOut): string {
  return shift === null ? "" : ` at byte ${Math.max(0, at - shift)}`;
}
