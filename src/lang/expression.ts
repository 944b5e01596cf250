import { type Expression, EXPRESSION_BYTES_MAX } from "../model/mod.ts";
import { type Parsed, parsed, refused, refusedAll } from "./diagnostic.ts";
import { type Definitions, expandCalls, NO_DEFINITIONS } from "./definitions.ts";
import { checkExpression } from "./expression_checker.ts";
import { parseTree } from "./expression_parser.ts";

/**
 * Parses an expression. `maxLength`, in bytes of UTF-8, may lower EXPRESSION_BYTES_MAX; `definitions` are functions in
 * addition to the built-in ones. Reports all unreadable characters, or else the first misplaced token, or else every
 * unknown function and unfit argument.
 */
export function parseExpression(
  text: string,
  options: { readonly maxLength?: number; readonly definitions?: Definitions } = {},
): Parsed<Expression> {
  return parseChecked(text, { ...options, isCondition: false });
}

/** Parses and checks an expression; a condition must not be a plain text or number. */
export function parseChecked(
  text: string,
  options: { readonly maxLength?: number; readonly definitions?: Definitions; readonly isCondition: boolean },
): Parsed<Expression> {
  const limit = Math.min(options.maxLength ?? EXPRESSION_BYTES_MAX, EXPRESSION_BYTES_MAX);
  if (text.length > limit || new TextEncoder().encode(text).length > limit) {
    return refused(0, text.length, `Expression is too long: at most ${limit} bytes`);
  }
  const { tree, errors } = parseTree(text);
  if (tree === null) return refusedAll(errors);
  const expanded = expandCalls(tree, options.definitions ?? NO_DEFINITIONS);
  if (!expanded.ok) return expanded;
  const found = checkExpression(expanded.value, options);
  return found.length > 0 ? refusedAll(found) : parsed({ source: text, tree: expanded.value });
}
