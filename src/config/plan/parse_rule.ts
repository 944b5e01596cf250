import type { Expression, FieldRule, ParseRule, TimeUnit } from "../../model/mod.ts";
import type { DescriptorValues, ParseValues } from "../schema_descriptor.ts";
import { expressionOf, pointerOf } from "./compile.ts";
import { listed, type Place } from "./place.ts";

const TARGETS = ["channel", "symbol", "server_time", "sequence", "message_id"] as const;
type Target = typeof TARGETS[number];

/** `target = expression`, with what stands before the expression as the first group. */
const LINE = /^(\s*([A-Za-z_]+)\s*=)(?!=)/;

/**
 * The 1.4 parse table: each pointer, then the expressions that fill what it did not find. Null where the descriptor has
 * none, or it names neither channel nor symbol and event rules stand for it.
 */
export function buildParseRule(descriptor: DescriptorValues, place: Place): ParseRule | null {
  const parse = descriptor.parse;
  if (parse === undefined) {
    if (descriptor.events.length === 0) {
      place.error("Neither [parse] nor [[events]]: one of them says what frames hold");
    }
    return null;
  }
  const at = place.at("parse");
  const fallbacks = readFallbacks(parse, at.at("expr"));
  const field = (target: Target, options: { required: boolean; unit: TimeUnit | null }): FieldRule | null => {
    const pointer = parse[target];
    const sources = [
      ...(pointer === undefined ? [] : [pointerOf(pointer, at.at(target))]),
      ...(fallbacks.get(target) ?? []),
    ].filter((source) => source !== null);
    if (pointer === undefined && sources.length === 0) return null;
    return { sources, absent: null, map: null, other: null, ...options };
  };
  const channel = field("channel", { required: true, unit: null });
  const symbol = field("symbol", { required: true, unit: null });
  const rest = {
    serverTime: field("server_time", { required: false, unit: parse.time_unit }),
    sequence: field("sequence", { required: false, unit: null }),
    messageId: field("message_id", { required: false, unit: null }),
  };
  if (channel === null || symbol === null) {
    if (descriptor.events.length === 0) {
      for (const [name, rule] of Object.entries({ channel, symbol })) {
        if (rule === null) {
          at.error(`No ${name}: [parse] names it by a pointer or an expression where there are no [[events]]`);
        }
      }
    }
    return null;
  }
  return { channel, symbol, ...rest };
}

function readFallbacks(parse: ParseValues, place: Place): ReadonlyMap<Target, readonly Expression[]> {
  const fallbacks = new Map<Target, Expression[]>();
  if (parse.expr === undefined) return fallbacks;
  const { enabled, expressions, max_expression_length: maxLength } = parse.expr;
  expressions.forEach((line, index) => {
    const at = place.at("expressions", index);
    const match = LINE.exec(line);
    if (match === null) {
      at.error("Not of the form `target = expression`");
      return;
    }
    const [, head, name] = match;
    const target = TARGETS.find((candidate) => candidate === name);
    if (target === undefined) {
      at.error(`Unknown target ${name}: it is one of ${listed(TARGETS)}`, {
        offset: line.indexOf(name),
        length: name.length,
      });
      return;
    }
    const blank = line.length - line.slice(head.length).trimStart().length;
    const expression = expressionOf(line.slice(blank), at, { maxLength, shift: blank });
    if (expression !== null && enabled) fallbacks.set(target, [...(fallbacks.get(target) ?? []), expression]);
  });
  return fallbacks;
}
