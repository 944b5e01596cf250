import { type ControlRule, ECHO_SEPARATOR, type FramePlan } from "../model/mod.ts";
import {
  FrameMemory,
  type NormalizedEvent,
  type NormalizedFrame,
  Normalizer,
  PARSE_RULE_NAME,
  readAddress,
} from "../normalize/mod.ts";
import { compareFrame, type Difference, difference, shortJson } from "./evidence_compare.ts";
import {
  type Evidence,
  type FrameStep,
  type HttpStep,
  isExpectation,
  type JsonObject,
  type OpenStep,
  type RequestsStep,
} from "./evidence.ts";

/** A step with differences. */
export interface StepFailure {
  /** Line of the evidence, from 1. */
  readonly line: number;
  /** Input of the step: a frame's text or a request's name. */
  readonly given: string;
  readonly differences: readonly Difference[];
}

/** A rule of the descriptor. */
export interface RuleName {
  readonly type: "control" | "event";
  readonly name: string;
  /** Connections of the rule; null for all. */
  readonly connections: readonly string[] | null;
}

/** Result of running evidence. */
export interface EvidenceRun {
  readonly frames: number;
  readonly events: number;
  readonly rules: number;
  readonly failures: readonly StepFailure[];
  /** Event rules that gave neither event nor checksum, and control rules that no frame matched. */
  readonly unexercised: readonly RuleName[];
  /** Counts by rule: events of an event rule, frames of a control rule. */
  readonly exercised: ReadonlyMap<string, number>;
  /** The evidence with actual expectations; lines without differences are unchanged. */
  readonly updated: readonly string[];
}

/** Subscribe messages of a session, or why there are none. */
export type ShowRequests = (open: OpenStep) => readonly string[] | { readonly error: string };

/** Time of the first frame and between two frames, in µs; no comparison depends on them. */
const FIRST_TS = 1_700_000_000_000_000;
const STEP_US = 1000;

/** Returns the key of a rule within its descriptor: control rules of one name differ by their connections. */
export function ruleKey({ type, name, connections }: RuleName): string {
  return type === "event" ? `event ${name}` : `control ${name} ${connections?.join(",") ?? ""}`;
}

/** All rules of a descriptor: control rules in order, then event rules. */
export function ruleNames(plan: FramePlan): readonly RuleName[] {
  const controls = plan.controls.map(controlName);
  const events = plan.events.map(({ name, connections }) => ({
    type: "event" as const,
    name,
    connections: connections === null ? null : [...connections],
  }));
  const parse = plan.parse !== null && events.length === 0
    ? [{ type: "event" as const, name: PARSE_RULE_NAME, connections: null }]
    : [];
  return [...controls, ...events, ...parse];
}

function controlName({ name, connections }: ControlRule): RuleName {
  return { type: "control", name, connections: connections === null ? null : [...connections] };
}

/** Runs evidence through the normalizer of a descriptor and compares what each step gives with what it expects. */
export function runEvidence(evidence: Evidence, plan: FramePlan, showRequests: ShowRequests): EvidenceRun {
  const runner = new EvidenceRunner(plan, showRequests);
  const failures: StepFailure[] = [];
  const updated = [...evidence.lines];
  for (const step of evidence.steps) {
    if (step.kind === "note") continue;
    const outcome = step.kind === "open" ? runner.open(step) : runner.step(step);
    if (outcome === null) continue;
    if (outcome.differences.length > 0) failures.push({ line: step.line, ...outcome });
    if (outcome.differences.length > 0 && outcome.actual !== null) {
      updated[step.line - 1] = writeStep(step.members, outcome.actual);
    }
  }
  const { exercised, frames, events } = runner;
  const rules = ruleNames(plan);
  return {
    frames,
    events,
    rules: rules.length,
    failures,
    unexercised: rules.filter((rule) => !exercised.has(ruleKey(rule))),
    exercised,
    updated,
  };
}

interface Outcome {
  readonly given: string;
  readonly differences: readonly Difference[];
  /** The members that state what came out; null if there is nothing to state. */
  readonly actual: JsonObject | null;
}

class EvidenceRunner {
  readonly exercised = new Map<string, number>();
  frames = 0;
  events = 0;
  readonly #plan: FramePlan;
  readonly #showRequests: ShowRequests;
  #normalizer: Normalizer;
  #open: OpenStep | null = null;
  /** Of the session that is open. */
  #memory = new FrameMemory();

  constructor(plan: FramePlan, showRequests: ShowRequests) {
    this.#plan = plan;
    this.#showRequests = showRequests;
    this.#normalizer = new Normalizer(plan);
  }

  /** Begins a session; null if the connection is one of the descriptor's. */
  open(step: OpenStep): Outcome | null {
    this.#memory = new FrameMemory();
    this.#open = step;
    this.#normalizer = new Normalizer(withInstruments(this.#plan, step));
    const connection = this.#plan.connections.find(({ id }) => id === step.connection);
    if (connection !== undefined) this.#memory.openedAt(readAddress(connection, step.url));
    const known = this.#plan.connections.map(({ id }) => id);
    if (known.includes(step.connection)) return null;
    const differences = [difference("open", `one of ${known.join(", ")}`, step.connection)];
    return { given: `open ${step.connection}`, differences, actual: null };
  }

  step(step: RequestsStep | FrameStep | HttpStep): Outcome {
    if (step.kind === "requests") return this.#requests(step);
    this.frames++;
    const at = FIRST_TS + this.frames * STEP_US;
    const given = new TextDecoder().decode(step.payload);
    if (step.kind === "http" && !this.#plan.events.some(({ source }) => source === step.request)) {
      const known = new Set(this.#plan.events.map(({ source }) => source).filter((source) => source !== "ws"));
      const differences = [difference("http", `one of ${[...known].join(", ") || "no request"}`, step.request)];
      return { given, differences, actual: null };
    }
    const connectionId = this.#open?.connection ?? null;
    const read = step.kind === "frame"
      ? this.#normalizer.read({
        connectionId: connectionId ?? "",
        payload: step.payload,
        binary: step.binary,
        receivedTs: at,
      }, this.#memory)
      : this.#normalizer.readHttp({
        hasSession: connectionId !== null,
        connectionId,
        request: step.request,
        native: step.native,
        body: step.payload,
        receivedTs: at,
      }, this.#memory);
    this.#count(read);
    const actual = statement(read);
    return { given, differences: compareFrame(step.expected, actual, this.#plan.exchange), actual };
  }

  #requests(step: RequestsStep): Outcome {
    const given = `open ${this.#open?.connection ?? ""}`;
    const shown = this.#open === null ? { error: "no session is open" } : this.#showRequests(this.#open);
    if ("error" in shown) {
      return { given, differences: [difference("expect_requests", "requests", shown.error)], actual: null };
    }
    const differences: Difference[] = [];
    for (let i = 0; i < Math.max(shown.length, step.requests.length); i++) {
      if (shown[i] === step.requests[i]) continue;
      differences.push(difference(`expect_requests[${i}]`, step.requests[i] ?? "nothing", shown[i] ?? "nothing"));
    }
    return { given, differences, actual: { expect_requests: shown } };
  }

  #count(read: NormalizedFrame): void {
    this.events += read.events.length;
    const rules: RuleName[] = [...read.events, ...read.checksums].map(({ rule }) => rule).concat(read.noted).map((
      name,
    ) => ({
      type: "event",
      name,
      connections: null,
    }));
    if (read.signal !== null) rules.push(controlName(this.#plan.controls[read.signal.ruleIndex]));
    for (const key of rules.map(ruleKey)) this.exercised.set(key, (this.exercised.get(key) ?? 0) + 1);
  }
}

/** The plan with further symbols, and with what lists say of instruments, on every connection. */
function withInstruments(plan: FramePlan, { symbols, listed }: OpenStep): FramePlan {
  const added = Object.fromEntries(Object.entries(symbols).map(([canonical, native]) => [native, canonical]));
  const connections = plan.connections.map((one) => {
    const canonical = { ...one.canonical, ...added };
    const said = Object.entries(canonical).flatMap(([native, symbol]) =>
      Object.hasOwn(listed, symbol) ? [[native, listed[symbol]] as const] : []
    );
    return {
      ...one,
      canonical,
      ...(said.length === 0 ? {} : { listed: { ...one.listed, ...Object.fromEntries(said) } }),
    };
  });
  return { ...plan, connections };
}

/** Result of a frame as a step states it; omits null and empty fields except `rule` and `events`. */
function statement({ rule, signal, faults, checksums, events }: NormalizedFrame): JsonObject {
  return {
    rule,
    ...(signal === null ? {} : {
      signal: present({
        action: signal.action,
        correlation: signal.correlation,
        echoes: signal.echoes.length === 0 ? null : signal.echoes.map((echo) => {
          const parts = echo.split(ECHO_SEPARATOR);
          return parts.length === 1 ? parts[0] : parts;
        }),
        reason: signal.reason,
        capture: signal.capture,
        captures: signal.captures ?? null,
      }),
    }),
    ...(faults.length === 0 ? {} : { faults: faults.map(({ code, where }) => `${code} ${where}`) }),
    ...(checksums.length === 0 ? {} : {
      checksums: checksums.map(({ native_symbol, checksum }) => ({ native_symbol, checksum })),
    }),
    events: events.map(eventStatement),
  };
}

function eventStatement({ symbol, native_symbol, exchange_ts, event, checksum, orders }: NormalizedEvent): JsonObject {
  const { kind, ...fields } = event;
  return present({ kind, symbol, native_symbol, exchange_ts, ...fields, checksum, orders });
}

function present(values: object): JsonObject {
  return JSON.parse(JSON.stringify(values, (_, value) => value === null ? undefined : value));
}

/** A step with what is given as it was written, and what is expected as it came out. */
function writeStep(members: readonly (readonly [string, string])[], actual: JsonObject): string {
  const given = members.filter(([key]) => !isExpectation(key)).map(([key, source]) => `${shortJson(key)}: ${source}`);
  const expected = Object.entries(actual).map(([key, value]) => `${shortJson(key)}: ${JSON.stringify(value)}`);
  return `{${[...given, ...expected].join(", ")}}`;
}
