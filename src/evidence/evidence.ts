import { JsonDocument, type NodeId } from "../json/mod.ts";
import type { Issue } from "../model/mod.ts";

/** A plain JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
/** A JSON object. */
export type JsonObject = { readonly [key: string]: Json };

/** Common part of every step: its line, and its members as written, so that it can be rewritten. */
interface StepPlace {
  /** Line number, from 1. */
  readonly line: number;
  /** Key and source text of each member, in order. */
  readonly members: readonly (readonly [key: string, source: string])[];
}

/** Begins a session on a connection of the descriptor, with empty memory. */
export interface OpenStep extends StepPlace {
  readonly kind: "open";
  readonly connection: string;
  /** Address of the session, if its frames depend on it; else empty. */
  readonly url: string;
  /** Native symbols by canonical ones, beside the descriptor's map. */
  readonly symbols: Readonly<Record<string, string>>;
  /** What lists say of instruments, by canonical symbol and name: the `values` of `[[rest.instruments]]`. */
  readonly listed: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Symbols and channels of the instance; null if no requests are expected. */
  readonly subscribe: {
    readonly symbols: readonly string[];
    readonly channels: readonly string[];
    /** Plain values of `[exchange.overrides]`. */
    readonly overrides: Readonly<Record<string, string | number | boolean>>;
  } | null;
}

/** The exact subscribe messages of the session that was opened, request ids counted from 1. */
export interface RequestsStep extends StepPlace {
  readonly kind: "requests";
  readonly requests: readonly string[];
}

/** What a frame or an answer must become. */
export interface Expectation {
  /** The control rule, or the first event rule, that matches; null if none may match; undefined if not stated. */
  readonly rule: string | null | undefined;
  /** Members of the control signal to compare. Null if not stated. */
  readonly signal: JsonObject | null;
  /** `code where` of each fault. */
  readonly faults: readonly string[];
  /** Checksums in separate frames: native symbol and checksum of each. */
  readonly checksums: readonly JsonObject[];
  readonly events: readonly JsonObject[];
}

/** A frame of the exchange. */
export interface FrameStep extends StepPlace {
  readonly kind: "frame";
  readonly payload: Uint8Array;
  readonly binary: boolean;
  readonly expected: Expectation;
}

/** An answer to a REST request of the descriptor. */
export interface HttpStep extends StepPlace {
  readonly kind: "http";
  readonly request: string;
  /** The requested instrument; empty if the answer covers several. */
  readonly native: string;
  readonly payload: Uint8Array;
  readonly expected: Expectation;
}

/** A comment line, or an empty one. */
interface NoteStep extends StepPlace {
  readonly kind: "note";
}

/** One line of evidence. */
export type EvidenceStep = OpenStep | RequestsStep | FrameStep | HttpStep | NoteStep;

/** The evidence of a descriptor: frames in order, and what each must become. */
export interface Evidence {
  readonly file: string;
  /** The lines as read. */
  readonly lines: readonly string[];
  readonly steps: readonly EvidenceStep[];
  /** Issues of the text; a faulty line gives no step. */
  readonly issues: readonly Issue[];
}

const EXPECTED_KEYS = ["rule", "signal", "faults", "checksums", "events"] as const;
const OUTCOME_KEYS = [...EXPECTED_KEYS, "note"] as const;

/** The keys of each kind of step; the first names the kind. */
const STEP_KEYS = {
  open: ["open", "url", "symbols", "listed", "subscribe", "note"],
  expect_requests: ["expect_requests", "note"],
  frame: ["frame", ...OUTCOME_KEYS],
  bin: ["bin", ...OUTCOME_KEYS],
  http: ["http", "native", "body", ...OUTCOME_KEYS],
  note: ["note"],
} as const;

type StepKey = keyof typeof STEP_KEYS;
const STEP_KINDS: readonly StepKey[] = ["open", "expect_requests", "frame", "bin", "http", "note"];
const SUBSCRIBE_KEYS = ["symbols", "channels", "overrides"];
const SIGNAL_KEYS = ["action", "correlation", "echoes", "reason", "capture", "captures"];

/** Whether a member of a step is an expectation; the others are input. */
export function isExpectation(key: string): boolean {
  return key === "expect_requests" || EXPECTED_KEYS.some((known) => known === key);
}

/** Reads evidence: JSON Lines, one step per line. Reports all issues at once; never throws. */
export function parseEvidence(file: string, text: string): Evidence {
  const lines = text.replace(/\r?\n$/, "").split(/\r?\n/);
  const issues: Issue[] = [];
  const steps: EvidenceStep[] = [];
  const document = new JsonDocument();
  let isOpen = false;
  lines.forEach((source, index) => {
    const reader = new StepReader({ document, file, line: index + 1, source, issues });
    const step = reader.read();
    if (step === null) return;
    if (step.kind === "open") isOpen = true;
    else if (!isOpen && (step.kind === "frame" || step.kind === "requests")) {
      reader.fail("No session is open: an open step names its connection first", null);
    }
    steps.push(step);
  });
  return { file, lines, steps, issues };
}

/** Reads one line. */
class StepReader {
  readonly #document: JsonDocument;
  readonly #file: string;
  readonly #line: number;
  readonly #source: string;
  readonly #issues: Issue[];

  constructor(
    options: { document: JsonDocument; file: string; line: number; source: string; issues: Issue[] },
  ) {
    this.#document = options.document;
    this.#file = options.file;
    this.#line = options.line;
    this.#source = options.source;
    this.#issues = options.issues;
  }

  /** Adds an issue at a key of the line, or at the line's begin. */
  fail(message: string, key: string | null): null {
    const quoted = key === null ? "" : JSON.stringify(key);
    const at = key === null ? -1 : this.#source.indexOf(quoted);
    return this.#failAt(message, Math.max(at, 0), at < 0 ? 1 : quoted.length);
  }

  read(): EvidenceStep | null {
    const none = { line: this.#line, members: [] };
    if (this.#source.trim() === "") return { kind: "note", ...none };
    const bytes = new TextEncoder().encode(this.#source);
    const document = this.#document;
    if (!document.parse(bytes)) {
      const { at, message } = document.error ?? { at: 0, message: "Not JSON" };
      return this.#failAt(`Cannot read JSON: ${message}`, new TextDecoder().decode(bytes.subarray(0, at)).length, 1);
    }
    if (document.kind(0) !== "object") return this.#failAt("A step is a JSON object", 0, 1);
    const nodes = new Map<string, NodeId>();
    for (let node = document.firstChild(0); node >= 0; node = document.next(node)) nodes.set(document.key(node), node);
    const kind = STEP_KINDS.find((name) => nodes.has(name));
    if (kind === undefined) {
      return this.fail(`A step has one of ${STEP_KINDS.join(", ")}`, [...nodes.keys()][0] ?? null);
    }
    const allowed: readonly string[] = STEP_KEYS[kind];
    const before = this.#issues.length;
    for (const key of nodes.keys()) {
      if (!allowed.includes(key)) this.fail(`Unknown key ${key}: a step with ${kind} has ${allowed.join(", ")}`, key);
    }
    const members = [...nodes].map(([key, node]) => [key, document.source(node)] as const);
    const step = this.#step(kind, nodes, { line: this.#line, members });
    return this.#issues.length > before ? null : step;
  }

  #step(kind: StepKey, nodes: ReadonlyMap<string, NodeId>, place: StepPlace): EvidenceStep | null {
    const values = new Map([...nodes].map(([key, node]) => [key, plainValue(this.#document, node)]));
    switch (kind) {
      case "note":
        return { kind: "note", ...place };
      case "open":
        return this.#open(values, place);
      case "expect_requests":
        return { kind: "requests", ...place, requests: this.#texts(values.get(kind), kind) };
      case "frame":
        return { kind, ...place, payload: this.#payload(nodes, kind), binary: false, expected: this.#expected(values) };
      case "bin":
        return {
          kind: "frame",
          ...place,
          payload: this.#base64(values),
          binary: true,
          expected: this.#expected(values),
        };
      case "http":
        if (!nodes.has("body")) this.fail("No body: it is the answer's text, or JSON", "http");
        return {
          kind,
          ...place,
          request: this.#text(values.get(kind), kind),
          native: nodes.has("native") ? this.#text(values.get("native"), "native") : "",
          payload: this.#payload(nodes, "body"),
          expected: this.#expected(values),
        };
    }
  }

  #open(values: ReadonlyMap<string, Json>, place: StepPlace): OpenStep {
    const symbols = this.#object(values.get("symbols"), "symbols");
    const listed = this.#object(values.get("listed"), "listed");
    const subscribe = values.has("subscribe") ? this.#object(values.get("subscribe"), "subscribe") : null;
    this.#checkKeys(subscribe ?? {}, SUBSCRIBE_KEYS, "subscribe");
    return {
      kind: "open",
      ...place,
      connection: this.#text(values.get("open"), "open"),
      url: values.has("url") ? this.#text(values.get("url"), "url") : "",
      symbols: this.#textsByName(symbols),
      listed: Object.fromEntries(
        Object.entries(listed).map(([symbol, said]) => [symbol, this.#textsByName(this.#object(said, symbol))]),
      ),
      subscribe: subscribe === null ? null : {
        symbols: this.#texts(subscribe.symbols, "symbols"),
        channels: this.#texts(subscribe.channels, "channels"),
        overrides: Object.fromEntries(
          Object.entries(this.#object(subscribe.overrides, "overrides")).map(([key, value]) =>
            typeof value === "object" ? [key, this.#text(value, key)] : [key, value]
          ),
        ),
      },
    };
  }

  #textsByName(values: JsonObject): Readonly<Record<string, string>> {
    return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, this.#text(value, key)]));
  }

  #expected(values: ReadonlyMap<string, Json>): Expectation {
    const rule = values.get("rule");
    const signal = values.has("signal") ? this.#object(values.get("signal"), "signal") : null;
    this.#checkKeys(signal ?? {}, SIGNAL_KEYS, "signal");
    return {
      rule: rule === undefined || rule === null ? rule : this.#text(rule, "rule"),
      signal,
      faults: values.has("faults") ? this.#texts(values.get("faults"), "faults") : [],
      checksums: this.#objects(values.get("checksums"), "checksums"),
      events: this.#objects(values.get("events"), "events"),
    };
  }

  /** Returns a text's content, or the source of any other JSON value, with its digits. */
  #payload(nodes: ReadonlyMap<string, NodeId>, key: string): Uint8Array {
    const node = nodes.get(key) ?? -1;
    if (node < 0) return new Uint8Array(0);
    const document = this.#document;
    const text = document.kind(node) === "string" ? document.text(node) ?? "" : document.source(node);
    return new TextEncoder().encode(text);
  }

  #base64(values: ReadonlyMap<string, Json>): Uint8Array {
    const text = this.#text(values.get("bin"), "bin");
    try {
      return Uint8Array.fromBase64(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      this.fail("bin is not base64", "bin");
      return new Uint8Array(0);
    }
  }

  #text(value: Json | undefined, key: string): string {
    if (typeof value === "string") return value;
    this.fail(`${key} is a text`, key);
    return "";
  }

  #texts(value: Json | undefined, key: string): readonly string[] {
    if (Array.isArray(value) && value.every((one) => typeof one === "string")) return value;
    this.fail(`${key} is a list of texts`, key);
    return [];
  }

  #objects(value: Json | undefined, key: string): readonly JsonObject[] {
    if (value === undefined) return [];
    if (Array.isArray(value) && value.every(isObject)) return value;
    this.fail(`${key} is a list of objects`, key);
    return [];
  }

  #object(value: Json | undefined, key: string): JsonObject {
    if (value === undefined) return {};
    if (isObject(value)) return value;
    this.fail(`${key} is an object`, key);
    return {};
  }

  #checkKeys(values: JsonObject, known: readonly string[], owner: string): void {
    for (const key of Object.keys(values)) {
      if (!known.includes(key)) this.fail(`Unknown key ${key}: ${owner} has ${known.join(", ")}`, key);
    }
  }

  #failAt(message: string, offset: number, length: number): null {
    this.#issues.push({
      severity: "error",
      file: this.#file,
      line: this.#line,
      column: offset + 1,
      length,
      exchange: null,
      message,
      sourceLine: this.#source,
    });
    return null;
  }
}

function plainValue(document: JsonDocument, node: NodeId): Json {
  return JSON.parse(document.source(node));
}

/** Whether a value is a JSON object. */
export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
