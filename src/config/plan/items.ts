import { parsePointer } from "../../json/mod.ts";
import { type ItemSpelling, type Stream, streamKey } from "../../model/mod.ts";
import { type CompiledExpression, compileExpression } from "../../program/mod.ts";
import type { BatchValues, SubscriptionValues } from "../schema_descriptor.ts";
import { sourcesOf } from "./compile.ts";
import { answerItem } from "./control_rules.ts";
import { echoKey } from "./echo.ts";
import type { Emission } from "./emissions.ts";
import type { PlaceholderText } from "./placeholder_text.ts";
import { cutText } from "./json_text.ts";
import { replaced } from "./replacement.ts";
import type { Place } from "./place.ts";

/** One subscribable item as text with marks: `head + item + tail` is the message that subscribes to it alone. */
export interface ItemText {
  readonly subscription: number;
  readonly head: string;
  readonly item: string;
  readonly tail: string;
  /** Text between two items of one message; null if messages are not merged. */
  readonly joiner: string | null;
  readonly streams: readonly Stream[];
  readonly echo: string | null;
  /** As `SubscribeItem.spelling`: null too where messages of several symbols ask for the item. */
  readonly spelling: ItemSpelling | null;
  /** The text with marks that takes the item back; as `SubscribeItem.unsubscribe` otherwise. */
  readonly unsubscribe: { readonly text: string } | "none" | null;
}

/** Takes emitted messages apart into items. Identical items become one that feeds all their streams. */
export function buildItems(
  emissions: readonly Emission[],
  context: {
    readonly subscriptions: readonly SubscriptionValues[];
    readonly place: Place;
    readonly placeholders: PlaceholderText;
  },
): readonly ItemText[] {
  const items = new Map<string, ItemText>();
  const splitters = new Map<number, Splitter>();
  for (const emission of emissions) {
    const place = context.place.at("subscriptions", emission.subscription);
    const values = context.subscriptions[emission.subscription];
    const splitter = splitters.get(emission.subscription) ?? new Splitter(values, place);
    splitters.set(emission.subscription, splitter);
    for (
      const part of splitter.split(context.placeholders.textOf(emission.message.template), emission.message.offset)
    ) {
      const key = [emission.subscription, part.head, part.item, part.tail].join("\u0000");
      const earlier = items.get(key);
      items.set(key, {
        ...part,
        subscription: emission.subscription,
        streams: uniqueStreams([...earlier?.streams ?? [], ...emission.streams]),
        spelling: earlier === undefined ? emission.spelling : common(earlier.spelling, emission.spelling),
      });
    }
  }
  return [...items.values()];
}

function common(a: ItemSpelling | null, b: ItemSpelling | null): ItemSpelling | null {
  if (a === null || b === null || a.symbol !== b.symbol) return null;
  return { symbol: a.symbol, channel: a.channel === b.channel ? a.channel : null };
}

function uniqueStreams(streams: readonly Stream[]): readonly Stream[] {
  return [...new Map(streams.map((stream) => [streamKey(stream), stream])).values()];
}

type Part = Omit<ItemText, "subscription" | "streams" | "spelling">;

/** Splits the messages of one subscription and reports what is wrong with them, each thing once. */
class Splitter {
  readonly #batch: BatchValues | undefined;
  readonly #place: Place;
  readonly #batchPlace: Place;
  readonly #echo: readonly CompiledExpression[];
  readonly #unsubscribe: SubscriptionValues["unsubscribe"];
  readonly #at: readonly string[] | null;
  readonly #reported = new Set<string>();

  constructor(values: SubscriptionValues, place: Place) {
    this.#batch = batchSteps(values)[0];
    this.#place = place;
    this.#echo = sourcesOf(answerItem(values.ack), place.at("ack", "item")).map(compileExpression);
    this.#unsubscribe = values.unsubscribe ?? (values.replaces ? "none" : undefined);
    this.#batchPlace = Array.isArray(values.batch) ? place.at("batch", 0) : place.at("batch");
    this.#at = this.#batch === undefined ? [] : parsePointer(this.#batch.at);
    if (this.#at === null) this.#batchPlace.at("at").error(`Not a JSON pointer: ${this.#batch?.at}`);
  }

  split(text: string, offset: number): readonly Part[] {
    const whole = { head: text, item: "", tail: "", joiner: null, echo: null, unsubscribe: this.#unsubscribeOf(text) };
    const looksJson = /^\s*[{[]/.test(text);
    if (!isJson(text)) {
      if (looksJson) {
        this.#once(
          `json ${offset}`,
          () =>
            this.#place.at("generator").warning("The emitted text begins like JSON and is not valid JSON", {
              offset,
              length: 1,
            }),
        );
      }
      if (this.#batch !== undefined) this.#noArray(offset);
      return [whole];
    }
    if (this.#batch === undefined || this.#at === null) {
      return [{ ...whole, echo: this.#echoOf(text, []) }];
    }
    return this.#splitBatch(text, this.#at, this.#batch) ?? (this.#noArray(offset), [whole]);
  }

  #splitBatch(text: string, at: readonly string[], batch: BatchValues): readonly Part[] | null {
    const { separator = null, keep_first: keepFirst = 0 } = batch;
    const cut = cutText(text, { at, separator, keepFirst });
    if (cut === null) return null;
    const { head, tail, joiner } = cut;
    return cut.parts.map((item, index) => {
      const element = separator === null ? [...at, String(index + keepFirst)] : at;
      const unsubscribe = this.#unsubscribeOf(head + item + tail);
      return { head, item, tail, joiner, echo: this.#echoOf(text, element), unsubscribe };
    });
  }

  #echoOf(text: string, element: readonly string[]): string | null {
    const { key, missing } = echoKey(text, element, this.#echo);
    if (missing !== null) {
      this.#once(
        "echo",
        () =>
          this.#place.at("ack", "item").error(
            `\`${missing}\` finds nothing in an emitted item, so no acknowledgement names it`,
          ),
      );
    }
    return key;
  }

  /** Returns the message that unsubscribes an item, made of the one that subscribes to it alone. */
  #unsubscribeOf(text: string): ItemText["unsubscribe"] {
    const rule = this.#unsubscribe;
    if (rule === undefined) return null;
    if (rule === "none") return rule;
    let changed = text;
    const at = this.#place.at("unsubscribe");
    const isList = Array.isArray(rule);
    for (const [index, replacement] of (isList ? rule : [rule]).entries()) {
      const next = isJson(text) ? replaced(changed, replacement, isList ? at.at(index) : at) : null;
      if (next === null) {
        const words = `A subscribe message has nothing at ${replacement.at || "its root"} that could be replaced`;
        this.#once(`unsubscribe ${replacement.at}`, () => at.error(words));
        return null;
      }
      changed = next;
    }
    return { text: changed };
  }

  #noArray(offset: number): void {
    const { at, separator } = this.#batch ?? { at: "" };
    const wanted = separator === undefined ? "array" : "text";
    this.#once(
      "array",
      () =>
        this.#batchPlace.at("at").error(
          `The emitted message at character ${offset + 1} of the generator has no ${wanted} at ${at}`,
        ),
    );
  }

  #once(key: string, report: () => void): void {
    if (this.#reported.has(key)) return;
    this.#reported.add(key);
    report();
  }
}

/** The steps in which messages of a subscription are merged; none where they are not. */
export function batchSteps({ batch }: SubscriptionValues): readonly BatchValues[] {
  if (batch === undefined) return [];
  return Array.isArray(batch) ? batch : [batch];
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
