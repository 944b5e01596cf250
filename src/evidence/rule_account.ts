import { EXAMPLE_CHARS_MAX, type FramePlan, SHAPE_DEPTH_MAX, TALLY_ENTRIES_MAX } from "../model/mod.ts";
import { decodePayload, FrameMemory, layOut, type NormalizedFrame, Normalizer, readAddress } from "../normalize/mod.ts";
import { frameShape } from "./frame_shape.ts";
import { ruleKey } from "./evidence_run.ts";

/** JSON types of the values at one path. */
export type Kinds = Set<"text" | "number" | "boolean" | "null" | "list" | "object">;

/** What one rule has read. */
export interface SeenRule {
  /** Events of an event rule, frames of a control rule. */
  count: number;
  /** Types by path in the frames that the rule read: `/data/0/p`. */
  readonly kinds: Map<string, Kinds>;
  /** How many of its events had a value, by field. */
  readonly fields: Map<string, number>;
}

/** Something that occurred a number of times, with the first example of it. */
export interface Occurrence {
  count: number;
  readonly example: string;
}

/** A frame, or an answer with its request. */
export type SeenFrame =
  | { readonly kind: "frame"; readonly payload: Uint8Array; readonly binary: boolean }
  | { readonly kind: "http"; readonly request: string; readonly native: string; readonly payload: Uint8Array };

/** Most paths kept for one rule. */
const PLACES_MAX = 2_000;
/** Most elements of a list examined. */
const ELEMENTS_MAX = 50;

/**
 * Reads frames by the rules of a descriptor and records what each rule has read, to compare an exchange with its
 * evidence. Accepts every symbol, as a replay does.
 */
export class RuleAccount {
  readonly rules = new Map<string, SeenRule>();
  /** By shape. */
  readonly unmatched = new Map<string, Occurrence>();
  /** By code and place. */
  readonly faults = new Map<string, Occurrence>();
  readonly channels = new Map<string, number>();
  frames = 0;
  events = 0;
  readonly #plan: FramePlan;
  readonly #normalizer: Normalizer;
  readonly #sessions = new Map<number, { readonly connection: string; readonly memory: FrameMemory }>();

  constructor(plan: FramePlan) {
    this.#plan = plan;
    this.#normalizer = new Normalizer(plan);
  }

  /** Begins a session on a connection of the descriptor, at an address. */
  open(session: number, connection: string, url: string): void {
    const memory = new FrameMemory();
    const declared = this.#plan.connections.find(({ id }) => id === connection);
    if (declared !== undefined) memory.openedAt(readAddress(declared, url));
    this.#sessions.set(session, { connection, memory });
  }

  close(session: number): void {
    this.#sessions.delete(session);
  }

  /** Reads a frame of a session, or an answer; `session` is null for an answer without one. */
  read(session: number | null, seen: SeenFrame, receivedTs: number): void {
    const open = session === null ? undefined : this.#sessions.get(session);
    const memory = open?.memory ?? new FrameMemory();
    const connectionId = open?.connection ?? null;
    const read = seen.kind === "frame"
      ? this.#normalizer.read({
        connectionId: connectionId ?? "",
        payload: seen.payload,
        binary: seen.binary,
        receivedTs,
      }, memory)
      : this.#normalizer.readHttp({
        hasSession: open !== undefined,
        connectionId,
        request: seen.request,
        native: seen.native,
        body: seen.payload,
        receivedTs,
      }, memory);
    this.frames++;
    this.#count(read, this.#textOf(seen, connectionId));
  }

  #textOf(seen: SeenFrame, connectionId: string | null): string {
    if (seen.kind === "http") return new TextDecoder().decode(seen.payload);
    const connection = this.#plan.connections.find(({ id }) => id === connectionId);
    const decoded = decodePayload(seen.payload, connection?.decode ?? "text", seen.binary);
    if (decoded === null) return "";
    return new TextDecoder().decode(layOut(decoded, connection?.layout ?? "document").bytes);
  }

  #count(read: NormalizedFrame, text: string): void {
    this.events += read.events.length;
    const names = new Set<string>();
    for (const { rule, event, channel } of read.events) {
      const seen = this.#rule(ruleKey({ type: "event", name: rule, connections: null }));
      names.add(rule);
      seen.count++;
      if (channel !== null) this.channels.set(channel, (this.channels.get(channel) ?? 0) + 1);
      for (const [field, value] of Object.entries(event)) {
        if (value === null || field === "kind") continue;
        seen.fields.set(field, (seen.fields.get(field) ?? 0) + 1);
      }
    }
    for (const rule of [...read.checksums.map((one) => one.rule), ...read.noted]) {
      this.#rule(ruleKey({ type: "event", name: rule, connections: null })).count++;
      names.add(rule);
    }
    const keys = [...names].map((name) => ruleKey({ type: "event", name, connections: null }));
    if (read.signal !== null) {
      const { name, connections } = this.#plan.controls[read.signal.ruleIndex];
      const key = ruleKey({ type: "control", name, connections: connections === null ? null : [...connections] });
      this.#rule(key).count++;
      keys.push(key);
    }
    if (keys.length > 0) this.#noteKinds(keys, text);
    for (const { code, where, example } of read.faults) {
      const [table, key] = code === "unmatched"
        ? [this.unmatched, frameShape(text)]
        : [this.faults, `${code} ${where}`];
      note(table, key, example);
    }
  }

  #rule(key: string): SeenRule {
    let seen = this.rules.get(key);
    if (seen === undefined) this.rules.set(key, seen = { count: 0, kinds: new Map(), fields: new Map() });
    return seen;
  }

  #noteKinds(keys: readonly string[], text: string): void {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return;
    }
    for (const key of keys) noteKinds(this.#rule(key).kinds, value, "", 0);
  }
}

function note(table: Map<string, Occurrence>, key: string, example: string): void {
  const known = table.get(key);
  if (known !== undefined) known.count++;
  else if (table.size < TALLY_ENTRIES_MAX) table.set(key, { count: 1, example: example.slice(0, EXAMPLE_CHARS_MAX) });
}

function noteKinds(kinds: Map<string, Kinds>, value: unknown, path: string, depth: number): void {
  let known = kinds.get(path);
  if (known === undefined) {
    if (kinds.size >= PLACES_MAX) return;
    kinds.set(path, known = new Set());
  }
  if (Array.isArray(value)) {
    known.add("list");
    if (depth < SHAPE_DEPTH_MAX) {
      // Elements of a list of lists or objects are alike; those of a row of values are not.
      const isRow = value.every((element) => typeof element !== "object" || element === null);
      value.slice(0, ELEMENTS_MAX).forEach((element, index) =>
        noteKinds(kinds, element, `${path}/${isRow ? index : "*"}`, depth + 1)
      );
    }
  } else if (typeof value === "object" && value !== null) {
    known.add("object");
    if (depth < SHAPE_DEPTH_MAX) {
      for (const [key, member] of Object.entries(value)) noteKinds(kinds, member, `${path}/${key}`, depth + 1);
    }
  } else if (value === null) known.add("null");
  else known.add(typeof value === "string" ? "text" : typeof value === "number" ? "number" : "boolean");
}
