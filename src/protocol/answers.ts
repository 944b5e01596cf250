import {
  type ControlAction,
  type ControlRule,
  type ControlSignal,
  ECHO_SEPARATOR,
  type FramePlan,
  RECORDED_ANSWERS_MAX,
  type WireFrame,
} from "../model/mod.ts";
import { FrameMemory, Normalizer } from "../normalize/mod.ts";
import type { AskedItem } from "./catalogue.ts";
import { exampleOf, withRows, withTexts, withValue } from "./example.ts";
import type { Heard } from "./wishes.ts";
import { type Json, parseJson } from "./words.ts";

/** A recorded answer of an exchange. */
interface RecordedAnswer {
  readonly text: string;
  readonly signal: ControlSignal;
}

/** Actions of frames that answer a client. */
type AnswerAction = Extract<ControlAction, "ack" | "reject" | "pong" | "welcome">;

/**
 * Answers a client like the exchange: with recorded answers, in which the ids and items are replaced by this client's,
 * or else with a frame built from the descriptor's rule. An answer that the rule itself does not match is not sent.
 */
export class Answers {
  readonly #plan: FramePlan;
  readonly #normalizer: Normalizer;
  readonly #recorded = new Map<string, RecordedAnswer[]>();
  /** By connection and echo. */
  readonly #acks = new Map<string, RecordedAnswer>();

  constructor(plan: FramePlan) {
    this.#plan = plan;
    this.#normalizer = new Normalizer(plan);
  }

  /** Notes a recorded frame, if it is an answer. */
  learn({ connectionId, signal, text }: WireFrame): void {
    if (signal === null || text === null || !isAnswer(signal.action)) return;
    const key = `${connectionId}\n${signal.action}`;
    const list = this.#recorded.get(key) ?? [];
    if (list.length >= RECORDED_ANSWERS_MAX) return;
    list.push({ text, signal });
    this.#recorded.set(key, list);
    if (signal.action !== "ack") return;
    for (const echo of signal.accepted ?? signal.echoes) {
      const named = `${connectionId}\n${echo}`;
      if (!this.#acks.has(named)) this.#acks.set(named, { text, signal });
    }
  }

  /** Returns the frames for a client that has just connected. */
  welcome(connectionId: string): readonly string[] {
    return this.#oneOf("welcome", connectionId, undefined);
  }

  /** Returns the answer to a keepalive message. */
  pong({ connectionId, id }: Heard): readonly string[] {
    return this.#oneOf("pong", connectionId, id);
  }

  /** Returns the answer to a rejected request. */
  reject({ connectionId, id, items }: Heard): readonly string[] {
    return this.#made("reject", connectionId, id, items);
  }

  /** Returns the acknowledgements of a request; empty if the exchange sends none, or none is known. */
  ack(heard: Heard): readonly string[] {
    const { connectionId, id, items, ack } = heard;
    if (ack === null || ack.mode === "none") return [];
    if (ack.mode === "request") return this.#oneOf("ack", connectionId, id, items);
    const listed = new Set<RecordedAnswer>();
    return items.flatMap((item) => {
      const known = this.#acks.get(`${connectionId}\n${item.echo}`);
      if (known === undefined) return this.#likeOther(connectionId, id, item);
      if (listed.has(known)) return [];
      listed.add(known);
      return [withId(known.text, this.#rules("ack", connectionId), known.signal, id)];
    });
  }

  /** Returns a recorded answer with this client's id, or else one built from a rule. */
  #oneOf(
    action: AnswerAction,
    connectionId: string,
    id: Json | undefined,
    items: readonly AskedItem[] = [],
  ): readonly string[] {
    const [known] = this.#recorded.get(`${connectionId}\n${action}`) ?? [];
    const rules = this.#rules(action, connectionId);
    if (known !== undefined) return [withId(known.text, rules, known.signal, id)];
    return this.#made(action, connectionId, id, items);
  }

  /** Returns the acknowledgement of another item, with the words of that item replaced by this one's. */
  #likeOther(connectionId: string, id: Json | undefined, item: AskedItem): readonly string[] {
    for (const { text, signal } of this.#recorded.get(`${connectionId}\nack`) ?? []) {
      const [echo, ...more] = signal.echoes;
      const body = parseJson(text);
      if (echo === undefined || more.length > 0 || body === undefined || item.echo === null) continue;
      const [before, after] = [echo.split(ECHO_SEPARATOR), item.echo.split(ECHO_SEPARATOR)];
      if (before.length !== after.length) continue;
      const texts = new Map(before.map((part, index) => [part, after[index]]));
      const made = withId(JSON.stringify(withTexts(body, texts)), this.#rules("ack", connectionId), signal, id);
      if (this.#reads(made, "ack", connectionId)?.echoes.includes(item.echo) === true) return [made];
    }
    return this.#made("ack", connectionId, id, [item]);
  }

  #made(
    action: AnswerAction,
    connectionId: string,
    id: Json | undefined,
    items: readonly AskedItem[],
  ): readonly string[] {
    for (const rule of this.#rules(action, connectionId)) {
      if (rule.text !== null) return [rule.text];
      const made = madeAfter(rule, id, items);
      if (made !== null && this.#reads(made, action, connectionId) !== null) return [made];
    }
    return [];
  }

  #rules(action: AnswerAction, connectionId: string): readonly ControlRule[] {
    return this.#plan.controls.filter((rule) =>
      rule.action === action && (rule.connections === null || rule.connections.includes(connectionId))
    );
  }

  /** Returns an answer's signal by the rules; null if it is no such answer. */
  #reads(text: string, action: AnswerAction, connectionId: string): ControlSignal | null {
    const payload = new TextEncoder().encode(text);
    const { signal } = this.#normalizer.read(
      { connectionId, payload, binary: false, receivedTs: 0 },
      new FrameMemory(),
    );
    return signal?.action === action ? signal : null;
  }
}

function isAnswer(action: ControlAction): action is AnswerAction {
  return action === "ack" || action === "reject" || action === "pong" || action === "welcome";
}

/** Returns a recorded answer with its id replaced by that of this client's request. */
function withId(text: string, rules: readonly ControlRule[], signal: ControlSignal, id: Json | undefined): string {
  const { correlation } = rules.find(({ name }) => name === signal.rule) ?? { correlation: null };
  const body = parseJson(text);
  if (body === undefined) return text;
  if (correlation !== null && id !== undefined) {
    const made = withValue(body, correlation, id);
    return made === null ? text : JSON.stringify(made);
  }
  // Ids that a pong repeats stay, because their position is unknown.
  return text;
}

/** Builds a frame from a rule of the descriptor; null if the rule does not determine one. */
function madeAfter(rule: ControlRule, id: Json | undefined, items: readonly AskedItem[]): string | null {
  let frame: Json | null = rule.when === null ? {} : exampleOf(rule.when);
  if (frame !== null && rule.correlation !== null && id !== undefined) frame = withValue(frame, rule.correlation, id);
  const echoes = items.flatMap(({ echo }) => echo === null ? [] : [echo.split(ECHO_SEPARATOR)]);
  if (frame === null || rule.echo.length === 0 || echoes.length === 0) {
    return frame === null ? null : JSON.stringify(frame);
  }
  const list = rule.action === "reject" ? rule.rejected ?? rule.rows : rule.accepted ?? rule.rows;
  if (list === null) {
    for (const [index, at] of rule.echo.entries()) {
      if (frame !== null) frame = withValue(frame, at, echoes[0][index]);
    }
    return frame === null ? null : JSON.stringify(frame);
  }
  const rows = echoes.map((parts) => rowOf(rule, parts));
  if (rows.some((row) => row === null)) return null;
  frame = withRows(frame, list, rows);
  return frame === null ? null : JSON.stringify(frame);
}

function rowOf({ echo }: ControlRule, parts: readonly string[]): Json | null {
  const [first] = echo;
  if (echo.length === 1 && first.tree.kind === "path" && first.tree.segments.length === 0) return parts[0];
  let row: Json | null = {};
  for (const [index, at] of echo.entries()) {
    if (row !== null) row = withValue(row, at, parts[index]);
  }
  return row;
}
