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

/** An answer that an exchange once gave. */
interface RecordedAnswer {
  readonly text: string;
  readonly signal: ControlSignal;
}

/** Kinds of frames that are answers to a client. */
type AnswerAction = Extract<ControlAction, "ack" | "reject" | "pong" | "welcome">;

/**
 * Answers a client as the exchange does: with what it was recorded to say, with this client's ids and items in it; else
 * with a frame made after the descriptor's rule. An answer that the rule itself does not read as one is not given.
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

  /** What a client is told that has just connected. */
  welcome(connectionId: string): readonly string[] {
    return this.#oneOf("welcome", connectionId, undefined);
  }

  /** The answer to a keepalive message. */
  pong({ connectionId, id }: Heard): readonly string[] {
    return this.#oneOf("pong", connectionId, id);
  }

  /** The answer to a request that is refused. */
  reject({ connectionId, id, items }: Heard): readonly string[] {
    return this.#made("reject", connectionId, id, items);
  }

  /** The acknowledgements of a request; none where the exchange gives none, or none is known. */
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

  /** A recorded answer with this client's id, else one made after a rule. */
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

  /** The acknowledgement of another item, with this one's words in place of the other's. */
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

  /** What an answer means by the rules; null where it is no such answer. */
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

/** A recorded answer with the id of this client's request in place of the recorded one's. */
function withId(text: string, rules: readonly ControlRule[], signal: ControlSignal, id: Json | undefined): string {
  const { correlation } = rules.find(({ name }) => name === signal.rule) ?? { correlation: null };
  const body = parseJson(text);
  if (body === undefined) return text;
  if (correlation !== null && id !== undefined) {
    const made = withValue(body, correlation, id);
    return made === null ? text : JSON.stringify(made);
  }
  // The ids of the recorded client are nobody else's: those that a pong repeats stay, as nothing says where they stand.
  return text;
}

/** A frame after a rule of the descriptor; null where the rule does not say enough to make one. */
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
