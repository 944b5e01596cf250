import { JsonDocument } from "../json/mod.ts";
import type { ControlSignal, Decoding, EventRule, FramePlan, Micros, SessionId } from "../model/mod.ts";
import { type Fault, type NormalizedChecksum, type NormalizedHole, ReadContext } from "./context.ts";
import { ControlReader } from "./control_reader.ts";
import { decodePayload } from "./decoder.ts";
import { expressionText } from "./field.ts";
import { type EventMemory, EventReader, type FrameOrigin, type NormalizedEvent } from "./event_reader.ts";
import { FirstFrames } from "./first_frames.ts";
import { LevelIds, type LevelIdState } from "./level_ids.ts";
import { Merges, type MergeState } from "./merges.ts";
import { PARSE_RULE_NAME, RawReader } from "./raw_reader.ts";
import { type RouteState, RouteTable } from "./routes.ts";
import { Router } from "./router.ts";
import { SymbolMap, type SymbolPair, symbolPair } from "./symbols.ts";

/** What a frame became. The object and its arrays are reused until the next call. */
export interface NormalizedFrame {
  readonly events: readonly NormalizedEvent[];
  /** What a control frame means to its session; null for data. */
  readonly signal: ControlSignal | null;
  /** What is wrong with the frame, `unmatched` included; empty where nothing is. */
  readonly faults: readonly Fault[];
  /** The control rule or the first event rule that matched; null where none did. */
  readonly rule: string | null;
  /** Checksums of books that came in a frame of their own. */
  readonly checksums: readonly NormalizedChecksum[];
  /** Changes of books that were lost, or in part. */
  readonly holes: readonly NormalizedHole[];
  /** Counter over the frames of the session; null where the frame has none. */
  readonly socketSequence: string | null;
  /** Native symbols without an entry in the map, met for the first time. */
  readonly unmapped: readonly string[];
}

/** A frame to be read. `connectionId` is the descriptor's, without a shard number. */
export interface FrameInput {
  readonly session: SessionId;
  readonly connectionId: string;
  readonly payload: Uint8Array;
  readonly binary: boolean;
  readonly receivedTs: Micros;
}

/** A REST answer to be read. */
export interface HttpInput {
  readonly session: SessionId | null;
  /** The descriptor's connection on whose behalf it was asked for, where there is one: it chooses the symbol map. */
  readonly connectionId?: string | null;
  /** Name of the request in the descriptor. */
  readonly request: string;
  /** The instrument asked for; empty where the answer covers many. */
  readonly native: string;
  /** Its canonical spelling; found through the map where it is not given. */
  readonly symbol?: string;
  readonly body: Uint8Array;
  readonly receivedTs: Micros;
}

/** What is kept between frames, as plain JSON. */
interface NormalizerState {
  readonly firstFrames: ReturnType<FirstFrames["saveState"]>;
  readonly unmapped: readonly string[];
  /** Absent where rows stand for themselves. */
  readonly merges?: MergeState;
  /** Absent where no rule finds prices by level ids. */
  readonly levelIds?: LevelIdState;
  /** Absent where sessions remember nothing. */
  readonly routes?: RouteState;
}

/** The rules that apply to frames of one connection, or to answers of one request. */
interface Route {
  readonly decoding: Decoding;
  /** Control rules by the whole text of their frames. */
  readonly texts: ReadonlyMap<string, ControlReader>;
  /** Length in bytes of the longest such text. */
  readonly textBytesMax: number;
  readonly controls: readonly ControlReader[];
  readonly controlRouter: Router;
  readonly events: readonly EventReader[];
  readonly eventRouter: Router;
}

/**
 * Turns frames of one exchange instance into events: decode, route, extract, normalise. Pure: without clock, I/O or
 * randomness; what it remembers is saved and restored with the pipeline. Every frame ends as events of a rule, as a
 * control frame, as unmatched, or as a fault. One instance reads one frame at a time.
 */
export class Normalizer {
  readonly #plan: FramePlan;
  readonly #context = new ReadContext(new JsonDocument());
  readonly #symbols: SymbolMap;
  readonly #firstFrames = new FirstFrames();
  readonly #levelIds = new LevelIds();
  readonly #merges = new Merges();
  readonly #memory: EventMemory;
  /** Whether a rule of the plan finds prices by level ids. */
  readonly #usesLevelIds: boolean;
  /** Null where sessions remember nothing. */
  readonly #routes: RouteTable | null;
  readonly #raw: RawReader | null;
  readonly #connections = new Map<string, Route>();
  readonly #requests = new Map<string, Route>();
  readonly #events: NormalizedEvent[] = [];
  readonly #result: {
    events: NormalizedEvent[];
    signal: ControlSignal | null;
    faults: readonly Fault[];
    rule: string | null;
    checksums: readonly NormalizedChecksum[];
    holes: readonly NormalizedHole[];
    socketSequence: string | null;
    unmapped: readonly string[];
  };

  constructor(plan: FramePlan) {
    this.#plan = plan;
    this.#symbols = new SymbolMap(plan.canonical);
    this.#memory = {
      symbols: this.#symbols,
      firstFrames: this.#firstFrames,
      levelIds: this.#levelIds,
      merges: this.#merges,
    };
    this.#usesLevelIds = plan.events.some(({ book }) => book?.bidLevel.id != null || book?.askLevel.id != null);
    this.#routes = plan.routeKey === null ? null : new RouteTable(plan.routeKey);
    this.#raw = plan.parse === null || plan.events.length > 0 ? null : new RawReader(plan.parse, plan, this.#symbols);
    this.#result = {
      events: this.#events,
      signal: null,
      faults: this.#context.faults,
      rule: null,
      checksums: this.#context.checksums,
      holes: this.#context.holes,
      socketSequence: null,
      unmapped: this.#symbols.fresh,
    };
  }

  /** Reads one frame. The result is reused until the next call. */
  read(frame: FrameInput): NormalizedFrame {
    const route = this.#connectionRoute(frame.connectionId);
    const origin = { session: frame.session, connectionId: frame.connectionId, asked: null };
    return this.#read(route, frame.payload, frame.binary, origin);
  }

  /** Reads the answer of a REST request. The result is reused until the next call. */
  readHttp(answer: HttpInput): NormalizedFrame {
    const pair = this.#askedPair(answer);
    const origin = {
      session: answer.session,
      connectionId: answer.connectionId ?? pair.connectionId,
      asked: pair.asked,
    };
    return this.#read(this.#requestRoute(answer.request), answer.body, false, origin);
  }

  /** A session has ended: what was kept for it is let go. */
  forgetSession(session: SessionId): void {
    this.#firstFrames.forget(session);
    this.#routes?.forget(session);
    this.#levelIds.forget(session);
    this.#merges.forget(session);
  }

  /** What has to be known to read further frames alike, as plain JSON. */
  saveState(): NormalizerState {
    const merges = this.#merges.saveState();
    return {
      firstFrames: this.#firstFrames.saveState(),
      unmapped: this.#symbols.saveState(),
      ...(merges.length > 0 && { merges }),
      ...(this.#usesLevelIds && { levelIds: this.#levelIds.saveState() }),
      ...(this.#routes !== null && { routes: this.#routes.saveState() }),
    };
  }

  /** Goes on from what `saveState` gave. */
  restoreState(state: unknown): void {
    const { firstFrames, unmapped, merges, levelIds, routes } = state as NormalizerState;
    this.#firstFrames.restoreState(firstFrames);
    this.#symbols.restoreState(unmapped);
    this.#merges.restoreState(merges ?? []);
    this.#levelIds.restoreState(levelIds ?? []);
    this.#routes?.restoreState(routes ?? []);
  }

  #read(route: Route, payload: Uint8Array, binary: boolean, origin: FrameOrigin): NormalizedFrame {
    const context = this.#context;
    const result = this.#result;
    this.#events.length = 0;
    this.#symbols.fresh.length = 0;
    this.#firstFrames.begin();
    result.signal = null;
    result.rule = null;
    result.socketSequence = null;
    context.begin(payload);
    context.session = origin.session;

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
    if (!context.document.parse(bytes)) {
      const error = context.document.error;
      const code = error === null || error.cause === "grammar" ? "not_json" : "undecodable";
      context.fail(code, error === null ? "" : `${error.message} at byte ${error.at}`);
      return result;
    }
    const { socketSequence } = this.#plan;
    if (socketSequence !== null) result.socketSequence = expressionText(context, socketSequence);
    if (this.#routes !== null) {
      context.scope.route = origin.session === null ? null : this.#routes.find(context, origin.session);
    }
    if (route.controlRouter.match(context)) {
      const reader = route.controls[route.controlRouter.matches[0]];
      result.signal = reader.read(context);
      result.rule = reader.rule.name;
      if (reader.rule.route !== null && origin.session !== null) {
        this.#routes?.apply(reader.rule.route, context, origin.session);
      }
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

  #isWanted(rule: EventRule): boolean {
    return this.#plan.wanted === null || this.#plan.wanted.has(rule.channel);
  }

  #connectionRoute(connectionId: string): Route {
    const known = this.#connections.get(connectionId);
    if (known !== undefined) return known;
    const applies = ({ connections }: { readonly connections: ReadonlySet<string> | null }) =>
      connections === null || connections.has(connectionId);
    const route = this.#createRoute(
      this.#plan.decode.get(connectionId) ?? "text",
      this.#plan.controls.map((rule, index) => new ControlReader(rule, index)).filter(({ rule }) => applies(rule)),
      this.#plan.events.filter((rule) => rule.source === "ws" && applies(rule)),
    );
    this.#connections.set(connectionId, route);
    return route;
  }

  #requestRoute(request: string): Route {
    const known = this.#requests.get(request);
    if (known !== undefined) return known;
    const route = this.#createRoute("text", [], this.#plan.events.filter((rule) => rule.source === request));
    this.#requests.set(request, route);
    return route;
  }

  #createRoute(decoding: Decoding, controls: readonly ControlReader[], events: readonly EventRule[]): Route {
    const texts = new Map<string, ControlReader>();
    let textBytesMax = 0;
    for (const reader of controls) {
      const { text } = reader.rule;
      if (text === null || texts.has(text)) continue;
      texts.set(text, reader);
      textBytesMax = Math.max(textBytesMax, new TextEncoder().encode(text).length);
    }
    const structured = controls.filter(({ rule }) => rule.when !== null);
    return {
      decoding,
      texts,
      textBytesMax,
      controls: structured,
      controlRouter: new Router(structured.flatMap(({ rule }) => rule.when ?? [])),
      events: events.map((rule) => new EventReader(rule, this.#memory)),
      eventRouter: new Router(events.map((rule) => rule.when)),
    };
  }

  /** The instrument that an answer was asked for, and a connection whose map knows it. */
  #askedPair(answer: HttpInput): { readonly asked: SymbolPair | null; readonly connectionId: string } {
    const { native, symbol } = answer;
    const connections = answer.connectionId == null ? this.#symbols.connections() : [answer.connectionId];
    for (const connectionId of connections) {
      const pair = this.#symbols.find(connectionId, native);
      if (pair !== null && (symbol === undefined || pair.canonical === symbol)) return { asked: pair, connectionId };
    }
    const fallback = answer.connectionId ?? "";
    if (native === "") return { asked: null, connectionId: fallback };
    return { asked: symbolPair(native, symbol ?? native), connectionId: fallback };
  }
}
