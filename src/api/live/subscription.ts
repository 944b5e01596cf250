import {
  EVENT_KINDS,
  type EventBatch,
  type EventKind,
  LIVE_PATTERN_CHARS_MAX,
  LIVE_PATTERNS_MAX,
} from "../../model/mod.ts";
import { sinkFilter } from "../../sink/mod.ts";

/** What a client wants to receive; patterns are those of sinks. Absent or null: all. */
export interface Subscription {
  readonly kinds: readonly EventKind[] | null;
  readonly exchanges?: readonly string[];
  readonly symbols?: readonly string[];
  /** Whether snapshots of the books come first. */
  readonly snapshots: boolean;
}

/** Returns whether an event of a batch is wanted. */
export type EventTest = (batch: EventBatch, event: number) => boolean;

const EVERYTHING: EventTest = () => true;

/** Returns the test of a subscription, with a key that is equal for equal subscriptions, so that they can share it. */
export function testOf(subscription: Subscription): { readonly key: string; readonly test: EventTest } {
  const { kinds, exchanges, symbols } = subscription;
  const key = JSON.stringify([kinds === null ? null : [...kinds].sort(), exchanges, symbols]);
  return { key, test: sinkFilter({ kinds, exchanges, symbols }) ?? EVERYTHING };
}

/** Whether a subscription receives deltas of books and so needs their snapshots. */
export function wantsBooks({ kinds, snapshots }: Subscription): boolean {
  return snapshots && (kinds === null || kinds.includes("book_delta"));
}

/** Reads the lists of a subscription. Returns a text if something is wrong. Absent lists are `undefined`. */
export function readSubscription(given: {
  readonly kinds?: unknown;
  readonly exchanges?: unknown;
  readonly symbols?: unknown;
  readonly snapshots?: unknown;
}): Subscription | string {
  const lists = { kinds: given.kinds, exchanges: given.exchanges, symbols: given.symbols };
  for (const [name, list] of Object.entries(lists)) {
    if (list === undefined) continue;
    if (!isTexts(list)) {
      return `${name} has to be a list of 1 to ${LIVE_PATTERNS_MAX} texts of at most ${LIVE_PATTERN_CHARS_MAX} characters`;
    }
  }
  const kinds = lists.kinds as readonly string[] | undefined;
  const unknown = kinds?.find((kind) => !(EVENT_KINDS as readonly string[]).includes(kind));
  if (unknown !== undefined) return `No kind ${JSON.stringify(unknown)}: there are ${EVENT_KINDS.join(", ")}`;
  if (given.snapshots !== undefined && typeof given.snapshots !== "boolean") return "snapshots has to be true or false";
  return {
    kinds: (kinds as readonly EventKind[] | undefined) ?? null,
    exchanges: lists.exchanges as readonly string[] | undefined,
    symbols: lists.symbols as readonly string[] | undefined,
    snapshots: given.snapshots ?? true,
  };
}

function isTexts(list: unknown): boolean {
  return Array.isArray(list) && list.length > 0 && list.length <= LIVE_PATTERNS_MAX &&
    list.every((text) => typeof text === "string" && text !== "" && text.length <= LIVE_PATTERN_CHARS_MAX);
}
