import { EXPRESSION_TEXT_CHARS_MAX } from "../model/mod.ts";
import { isDatePattern, reformatDate } from "./dates.ts";
import { defineFunction, type FunctionSpec } from "./function_spec.ts";
import type { Value } from "./scope.ts";
import { textOfValue } from "./value.ts";

/** Returns the text of an argument; null if it has none or it is too long. */
export function textArgument(value: Value): string | null {
  const text = textOfValue(value);
  return text === null || text.length > EXPRESSION_TEXT_CHARS_MAX ? null : text;
}

const INTEGER = /^[+-]?\d{1,9}$/;

/** Returns the integer of an argument; null if it is none, or has more than nine digits. */
export function integerArgument(value: Value): number | null {
  return typeof value === "string" && INTEGER.test(value) ? Number(value) : null;
}

/** Returns the text; null if it is longer than a function may give. */
function bounded(text: string): string | null {
  return text.length > EXPRESSION_TEXT_CHARS_MAX ? null : text;
}

function onText(change: (text: string) => string): FunctionSpec["apply"] {
  return ([value]) => {
    const text = textArgument(value);
    return text === null ? null : bounded(change(text));
  };
}

function onTwoTexts(change: (text: string, other: string) => Value): FunctionSpec["apply"] {
  return ([first, second]) => {
    const text = textArgument(first);
    const other = textArgument(second);
    return text === null || other === null ? null : change(text, other);
  };
}

function concat(args: readonly Value[]): Value {
  let joined = "";
  for (const arg of args) {
    const text = textArgument(arg);
    if (text === null) return null;
    joined += text;
    if (joined.length > EXPRESSION_TEXT_CHARS_MAX) return null;
  }
  return joined;
}

function split([first, second, third]: readonly Value[]): Value {
  const text = textArgument(first);
  const separator = textArgument(second);
  const index = integerArgument(third);
  if (text === null || separator === null || index === null || separator === "") return null;
  return text.split(separator).at(index) ?? null;
}

function replace([first, second, third]: readonly Value[]): Value {
  const text = textArgument(first);
  const find = textArgument(second);
  const replacement = textArgument(third);
  if (text === null || find === null || replacement === null) return null;
  if (find === "") return text;
  const parts = text.split(find);
  const length = text.length + (parts.length - 1) * (replacement.length - find.length);
  return length > EXPRESSION_TEXT_CHARS_MAX ? null : parts.join(replacement);
}

function slice(args: readonly Value[]): Value {
  const text = textArgument(args[0]);
  const start = integerArgument(args[1]);
  const end = args.length > 2 ? integerArgument(args[2]) : undefined;
  return text === null || start === null || end === null ? null : text.slice(start, end);
}

function padLeft([first, second, third]: readonly Value[]): Value {
  const text = textArgument(first);
  const width = integerArgument(second);
  const fill = textArgument(third);
  if (text === null || width === null || fill === null || fill === "") return null;
  return width > EXPRESSION_TEXT_CHARS_MAX ? null : text.padStart(width, fill);
}

function reformat([first, second, third]: readonly Value[]): Value {
  const text = textArgument(first);
  const from = textArgument(second);
  const to = textArgument(third);
  if (text === null || from === null || to === null || !isDatePattern(from)) return null;
  const written = reformatDate(text, from, to);
  return written === null ? null : bounded(written);
}

/** The functions on text. */
export const TEXT_FUNCTIONS: readonly FunctionSpec[] = [
  defineFunction("lower(text)", {
    returns: "text",
    description: "The text in lower case",
    apply: onText((text) => text.toLowerCase()),
  }),
  defineFunction("upper(text)", {
    returns: "text",
    description: "The text in upper case",
    apply: onText((text) => text.toUpperCase()),
  }),
  defineFunction("trim(text)", {
    returns: "text",
    description: "The text without white space at its ends",
    apply: onText((text) => text.trim()),
  }),
  defineFunction("concat(text, …)", {
    returns: "text",
    description: "The texts joined; null if one is null",
    apply: concat,
  }),
  defineFunction("split(text, separator, index)", {
    returns: "text",
    description: "The part at `index` (from 0, negative from the end) between separators; null if there is none",
    apply: split,
  }),
  defineFunction("before(text, separator)", {
    returns: "text",
    description: "The text before the first separator; null if there is no separator",
    apply: onTwoTexts((text, separator) => {
      const at = text.indexOf(separator);
      return at < 0 ? null : text.slice(0, at);
    }),
  }),
  defineFunction("after(text, separator)", {
    returns: "text",
    description: "The text after the first separator; null if there is no separator",
    apply: onTwoTexts((text, separator) => {
      const at = text.indexOf(separator);
      return at < 0 ? null : text.slice(at + separator.length);
    }),
  }),
  defineFunction("strip_prefix(text, prefix)", {
    returns: "text",
    description: "The text without the prefix; unchanged if it does not begin with it",
    apply: onTwoTexts((text, prefix) => text.startsWith(prefix) ? text.slice(prefix.length) : text),
  }),
  defineFunction("strip_suffix(text, suffix)", {
    returns: "text",
    description: "The text without the suffix; unchanged if it does not end with it",
    apply: onTwoTexts((text, suffix) => text.endsWith(suffix) ? text.slice(0, text.length - suffix.length) : text),
  }),
  defineFunction("replace(text, find, replacement)", {
    returns: "text",
    description: "The text with every occurrence of `find` replaced",
    apply: replace,
  }),
  defineFunction("slice(text, start, end?)", {
    returns: "text",
    description: "Characters from `start` to before `end`; both count from 0, or from the end if negative",
    apply: slice,
  }),
  defineFunction("starts_with(text, prefix)", {
    returns: "boolean",
    description: "Whether the text begins with the prefix",
    apply: onTwoTexts((text, prefix) => text.startsWith(prefix)),
  }),
  defineFunction("ends_with(text, suffix)", {
    returns: "boolean",
    description: "Whether the text ends with the suffix",
    apply: onTwoTexts((text, suffix) => text.endsWith(suffix)),
  }),
  defineFunction("pad_left(text, width, fill)", {
    returns: "text",
    description: "The text with `fill` repeated in front until it is `width` characters long",
    apply: padLeft,
  }),
  defineFunction("reformat_date(text, from_pattern, to_pattern)", {
    returns: "text",
    description:
      "A date converted to another pattern of YYYY, YY, MM, MMM (JAN), M (month letter F … Z) and DD; `from_pattern` may also be UNIX_MS or UNIX_S; null if the text does not match",
    apply: reformat,
  }),
];
