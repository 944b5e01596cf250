import type { AckPlan, SubscribeItem, SubscribeRequest, Template } from "../../model/mod.ts";
import type { SubscriptionValues } from "../schema_descriptor.ts";
import { type HoleText, templateBytes } from "./hole_text.ts";
import type { ItemText } from "./items.ts";

/** Cuts the items of a connection into shards of at most `limit` items. Null: there is no limit. */
export function shardItems(items: readonly ItemText[], limit: number | null): readonly (readonly ItemText[])[] {
  if (limit === null || items.length <= limit) return items.length === 0 ? [] : [items];
  const shards: (readonly ItemText[])[] = [];
  for (let start = 0; start < items.length; start += limit) shards.push(items.slice(start, start + limit));
  return shards;
}

/** The frames that subscribe to items: consecutive ones that differ only in their batch are merged. */
export function buildRequests(
  items: readonly ItemText[],
  subscriptions: readonly SubscriptionValues[],
  holes: HoleText,
): readonly SubscribeRequest[] {
  return groupItems(items, subscriptions, holes).map((group) => {
    const { head, tail, joiner, subscription } = group[0];
    const message = holes.templateOf(head + group.map(({ item }) => item).join(joiner ?? "") + tail);
    return {
      message,
      items: group.map((one) => subscribeItem(one, holes)),
      ack: ackPlan(subscriptions[subscription], message),
    };
  });
}

function subscribeItem(one: ItemText, holes: HoleText): SubscribeItem {
  return { streams: one.streams, echo: one.echo, message: holes.templateOf(one.head + one.item + one.tail) };
}

/** Groups of items that go into one frame. */
function groupItems(
  items: readonly ItemText[],
  subscriptions: readonly SubscriptionValues[],
  holes: HoleText,
): readonly (readonly ItemText[])[] {
  const groups: ItemText[][] = [];
  let bytes = 0;
  for (const one of items) {
    const group = groups.at(-1);
    const batch = subscriptions[one.subscription].batch;
    const own = templateBytes(holes.templateOf(one.item)) + (one.joiner?.length ?? 0);
    const fits = group !== undefined && batch !== undefined && joins(group[0], one) &&
      group.length < (batch.max_items ?? Infinity) && bytes + own <= (batch.max_bytes ?? Infinity);
    if (fits) {
      group.push(one);
      bytes += own;
    } else {
      groups.push([one]);
      bytes = templateBytes(holes.templateOf(one.head + one.tail)) + own;
    }
  }
  return groups;
}

function joins(a: ItemText, b: ItemText): boolean {
  return a.joiner !== null && a.joiner === b.joiner && a.subscription === b.subscription && a.head === b.head &&
    a.tail === b.tail;
}

function ackPlan({ ack }: SubscriptionValues, message: Template): AckPlan {
  const answers = ack.mode !== "none" && (ack.field !== undefined || ack.when !== undefined);
  return {
    mode: !answers ? "none" : ack.echo === undefined ? "request" : "item",
    timeoutMs: ack.timeout_ms,
    correlated: answers && ack.correlation_pointer !== undefined &&
      message.parts.some((part) => typeof part !== "string" && part.kind === "id"),
  };
}
