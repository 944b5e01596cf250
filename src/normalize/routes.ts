import type { Expression } from "../json/mod.ts";
import { type RouteRule, type SessionId, STREAMS_MAX } from "../model/mod.ts";
import type { ReadContext } from "./context.ts";
import { expressionText } from "./field.ts";

/** What each session remembers under the keys that its acknowledgements assigned, as plain JSON. */
export type RouteState = readonly (readonly [
  SessionId,
  readonly (readonly [string, Readonly<Record<string, string>>])[],
])[];

type Texts = ReadonlyMap<string, string>;

/**
 * Texts that an earlier frame of a session gave for a key, so that later frames, which carry the key alone, can be told
 * apart. Each session has its own, and they go with it. Bounded: past STREAMS_MAX keys the oldest session's first.
 */
export class RouteTable {
  readonly #key: Expression;
  readonly #sessions = new Map<SessionId, Map<string, Texts>>();
  #size = 0;

  /** `key`: where data frames carry theirs. */
  constructor(key: Expression) {
    this.#key = key;
  }

  /** What is remembered for the frame in the context; null where its key is unknown or it has none. */
  find(context: ReadContext, session: SessionId): Texts | null {
    const keys = this.#sessions.get(session);
    if (keys === undefined) return null;
    const key = expressionText(context, this.#key);
    return key === null ? null : keys.get(key) ?? null;
  }

  /** Remembers or forgets as a control rule says of the frame in the context. A frame without the key does neither. */
  apply(rule: RouteRule, context: ReadContext, session: SessionId): void {
    const key = expressionText(context, rule.key);
    if (key === null) return;
    if (rule.set === null) {
      this.#drop(session, key);
      return;
    }
    const texts = new Map<string, string>();
    for (const [name, expression] of rule.set) {
      const text = expressionText(context, expression);
      if (text !== null) texts.set(name, text);
    }
    this.#put(session, key, texts);
  }

  forget(session: SessionId): void {
    this.#size -= this.#sessions.get(session)?.size ?? 0;
    this.#sessions.delete(session);
  }

  saveState(): RouteState {
    return [...this.#sessions].map(([session, keys]) =>
      [session, [...keys].map(([key, texts]) => [key, Object.fromEntries(texts)] as const)] as const
    );
  }

  restoreState(state: RouteState): void {
    this.#sessions.clear();
    this.#size = 0;
    for (const [session, keys] of state) {
      for (const [key, texts] of keys) this.#put(session, key, new Map(Object.entries(texts)));
    }
  }

  #put(session: SessionId, key: string, texts: Texts): void {
    this.#drop(session, key);
    if (this.#size >= STREAMS_MAX) this.#dropOldest();
    const keys = this.#sessions.get(session) ?? new Map<string, Texts>();
    this.#sessions.set(session, keys);
    keys.set(key, texts);
    this.#size++;
  }

  #drop(session: SessionId, key: string): void {
    const keys = this.#sessions.get(session);
    if (keys === undefined || !keys.delete(key)) return;
    this.#size--;
    if (keys.size === 0) this.#sessions.delete(session);
  }

  #dropOldest(): void {
    for (const [session, keys] of this.#sessions) {
      for (const key of keys.keys()) return this.#drop(session, key);
    }
  }
}
