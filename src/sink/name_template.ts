import { z } from "zod";
import { type EventBatch, type EventKind, SINK_NAMES_KEPT_MAX } from "../model/mod.ts";
import { exchangePart, pathPart } from "./path_part.ts";

/** Placeholders of names, in the order in which messages list them. */
const PLACEHOLDERS = ["kind", "exchange", "symbol", "native_symbol", "collector", "sink"] as const;

/** A word in braces in a template. */
export type Placeholder = (typeof PLACEHOLDERS)[number];

/** Makes names of subjects, topics and keys from a template such as `md.{kind}.{exchange}`. */
export interface NameTemplate {
  /** Returns the name for an event of a batch: the same text for all events of one kind, exchange and symbol. */
  nameAt(batch: EventBatch, event: number): string;
}

/** Values of a template beside the event. */
export interface NameScope {
  /** Null becomes `_`. */
  readonly collector: string | null;
  readonly sink: string;
  /** Escapes a part for the destination, after `pathPart` or `exchangePart`. */
  readonly escape: (part: string) => string;
}

/**
 * Returns the schema of a key with a template. `allowed`: the characters allowed beside placeholders, as a class of a
 * regular expression. `placeholders`: the known placeholders (default: all).
 */
export function templateKey(
  { allowed, placeholders = PLACEHOLDERS }: {
    readonly allowed: string;
    readonly placeholders?: readonly Placeholder[];
  },
) {
  const known = placeholders.map((name) => `\\{${name}\\}`).join("|");
  const title = `a name of letters, digits, ${
    [...allowed.replace("A-Za-z0-9", "")].filter((character) => character !== "\\").map((one) => `\`${one}\``).join(
      ", ",
    )
  } and the placeholders ${placeholders.map((name) => `{${name}}`).join(", ")}`;
  return z.string().min(1).regex(new RegExp(`^(?:[${allowed}]|${known})+$`)).meta({ title });
}

/** Values of a name. */
interface NamedPlace {
  readonly kind: EventKind;
  readonly exchange: string;
  readonly symbol: string;
  readonly native_symbol: string;
}

/** Compiles a template that `templateKey` has checked. */
export function nameTemplate(template: string, scope: NameScope): NameTemplate {
  const parts = template.split(/(\{\w+\})/).map((part) => partOf(part, scope));
  const names = new Map<string, string>();
  return {
    nameAt: (batch, event) => {
      const place: NamedPlace = {
        kind: batch.kindAt(event),
        exchange: batch.exchanges[event],
        symbol: batch.symbols[event],
        native_symbol: batch.nativeSymbols[event],
      };
      const key = `${place.kind}\n${place.exchange}\n${place.symbol}\n${place.native_symbol}`;
      const known = names.get(key);
      if (known !== undefined) return known;
      if (names.size >= SINK_NAMES_KEPT_MAX) names.clear();
      const name = parts.map((part) => typeof part === "string" ? part : part(place)).join("");
      names.set(key, name);
      return name;
    },
  };
}

function partOf(part: string, { collector, sink, escape }: NameScope): string | ((place: NamedPlace) => string) {
  const symbolPart = (text: string) => text === "" ? "_" : escape(pathPart(text));
  switch (part) {
    case "{kind}":
      return ({ kind }) => kind;
    case "{exchange}":
      return ({ exchange }) => escape(exchangePart(exchange));
    case "{symbol}":
      return ({ symbol }) => symbolPart(symbol);
    case "{native_symbol}":
      return ({ native_symbol }) => symbolPart(native_symbol);
    case "{collector}":
      return escape(collector ?? "_");
    case "{sink}":
      return escape(sink);
    default:
      return part;
  }
}
