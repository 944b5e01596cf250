import { parsePointer } from "../../json/mod.ts";
import type { AckPlan, SubscribeItem, SubscribeRequest, Template } from "../../model/mod.ts";
import type { BatchValues, SubscriptionValues } from "../schema_descriptor.ts";
import { type PlaceholderText, templateBytes } from "./placeholder_text.ts";
import { batchSteps, type ItemText } from "./items.ts";
import { cutText } from "./json_text.ts";

/** Splits the items of a connection into shards of at most `limit` items; null sets no limit. */
export function shardItems(items: readonly ItemText[], limit: number | null): readonly (readonly ItemText[])[] {
  if (limit === null || items.length <= limit) return items.length === 0 ? [] : [items];
  const shards: (readonly ItemText[])[] = [];
  for (let start = 0; start < items.length; start += limit) shards.push(items.slice(start, start + limit));
  return shards;
}

/** A message under way: its text with marks, and the items in it. */
interface Message {
  readonly text: string;
  readonly items: readonly ItemText[];
}

/** The frames that subscribe to items: consecutive ones that differ only in their batch are merged, step by step. */
export function buildRequests(
  items: readonly ItemText[],
  subscriptions: readonly SubscriptionValues[],
  placeholders: PlaceholderText,
): readonly SubscribeRequest[] {
  return mergeFurther(groupItems(items, subscriptions, placeholders).map(messageOf), subscriptions, placeholders).map(
    (merged) => {
      const message = placeholders.templateOf(merged.text);
      const values = subscriptions[merged.items[0].subscription];
      return {
        message,
        items: merged.items.map((one) => subscribeItem(one, placeholders, values.replaces ? message : null)),
        ack: ackPlan(values, message),
        replaces: values.replaces,
      };
    },
  );
}

function subscribeItem(one: ItemText, placeholders: PlaceholderText, whole: Template | null): SubscribeItem {
  const { streams, echo, spelling, unsubscribe } = one;
  return {
    streams,
    echo,
    spelling,
    message: whole ?? placeholders.templateOf(one.head + one.item + one.tail),
    unsubscribe: unsubscribe === null || unsubscribe === "none"
      ? unsubscribe
      : placeholders.templateOf(unsubscribe.text),
  };
}

function messageOf(group: readonly ItemText[]): Message {
  const { head, tail, joiner } = group[0];
  return { text: head + group.map(({ item }) => item).join(joiner ?? "") + tail, items: group };
}

/** Groups of items that go into one frame by the first step. */
function groupItems(
  items: readonly ItemText[],
  subscriptions: readonly SubscriptionValues[],
  placeholders: PlaceholderText,
): readonly (readonly ItemText[])[] {
  const groups: ItemText[][] = [];
  let bytes = 0;
  for (const one of items) {
    const group = groups.at(-1);
    const batch = batchSteps(subscriptions[one.subscription]).at(0);
    const own = templateBytes(placeholders.templateOf(one.item)) + (one.joiner?.length ?? 0);
    const fits = group !== undefined && batch !== undefined && joins(group[0], one) &&
      group.length < (batch.max_items ?? Infinity) && bytes + own <= (batch.max_bytes ?? Infinity);
    if (fits) {
      group.push(one);
      bytes += own;
    } else {
      groups.push([one]);
      bytes = templateBytes(placeholders.templateOf(one.head + one.tail)) + own;
    }
  }
  return groups;
}

/** Merges the messages of each subscription by its second and further steps. */
function mergeFurther(
  messages: readonly Message[],
  subscriptions: readonly SubscriptionValues[],
  placeholders: PlaceholderText,
): readonly Message[] {
  const steps = Math.max(0, ...subscriptions.map((values) => batchSteps(values).length));
  let merged = messages;
  for (let step = 1; step < steps; step++) {
    merged = mergeOnce(
      merged,
      (message) => batchSteps(subscriptions[message.items[0].subscription]).at(step),
      placeholders,
    );
  }
  return merged;
}

function mergeOnce(
  messages: readonly Message[],
  stepOf: (message: Message) => BatchValues | undefined,
  placeholders: PlaceholderText,
): readonly Message[] {
  const merged: Message[] = [];
  for (const message of messages) {
    const last = merged.at(-1);
    const step = stepOf(message);
    const isSame = last?.items[0].subscription === message.items[0].subscription;
    const joined = last === undefined || step === undefined || !isSame
      ? null
      : joinTexts(last.text, message.text, step);
    const fits = joined !== null && step !== undefined && joined.parts <= (step.max_items ?? Infinity) &&
      templateBytes(placeholders.templateOf(joined.text)) <= (step.max_bytes ?? Infinity);
    if (last !== undefined && fits) {
      merged[merged.length - 1] = { text: joined.text, items: [...last.items, ...message.items] };
    } else merged.push(message);
  }
  return merged;
}

/** Two messages as one, and how many parts it has; null where they differ outside of what is merged. */
function joinTexts(
  a: string,
  b: string,
  step: BatchValues,
): { readonly text: string; readonly parts: number } | null {
  const at = parsePointer(step.at);
  if (at === null) return null;
  const cut = { at, separator: step.separator ?? null, keepFirst: step.keep_first ?? 0 };
  const [left, right] = [cutText(a, cut), cutText(b, cut)];
  if (left === null || right === null || left.head !== right.head || left.tail !== right.tail) return null;
  const parts = [...left.parts, ...right.parts];
  return { text: left.head + parts.join(left.joiner) + left.tail, parts: parts.length };
}

function joins(a: ItemText, b: ItemText): boolean {
  return a.joiner !== null && a.joiner === b.joiner && a.subscription === b.subscription && a.head === b.head &&
    a.tail === b.tail;
}

function ackPlan({ ack }: SubscriptionValues, message: Template): AckPlan {
  const answers = ack.mode !== "none" && (ack.field !== undefined || ack.when !== undefined);
  return {
    mode: !answers ? "none" : ack.echo === undefined && ack.accepted === undefined ? "request" : "item",
    timeoutMs: ack.timeout_ms,
    correlated: answers && ack.correlation_pointer !== undefined &&
      message.parts.some((part) => typeof part !== "string" && part.kind === "id"),
  };
}
