import {
  absoluteNumber,
  addNumbers,
  compareNumbers,
  divideNumbers,
  isNumber,
  multiplyNumbers,
  negateNumber,
  signOfNumber,
} from "./arithmetic.ts";
import { EXPRESSION_DIGITS_MAX } from "../model/mod.ts";
import { defineFunction, type FunctionSpec } from "./function_spec.ts";
import { integerArgument } from "./functions_text.ts";
import type { Value } from "./scope.ts";

function onNumber(change: (text: string) => string | null): FunctionSpec["apply"] {
  return ([value]) => typeof value === "string" ? change(value) : null;
}

/** Returns all arguments as texts; null if one is not a text. */
function texts(args: readonly Value[]): readonly string[] | null {
  const all: string[] = [];
  for (const arg of args) {
    if (typeof arg !== "string") return null;
    all.push(arg);
  }
  return all;
}

function onNumbers(combine: (numbers: readonly string[]) => string | null): FunctionSpec["apply"] {
  return (args) => {
    const numbers = texts(args);
    return numbers === null ? null : combine(numbers);
  };
}

function extreme(wanted: -1 | 1): (numbers: readonly string[]) => string | null {
  return (numbers) => {
    let best = numbers[0];
    if (!isNumber(best)) return null;
    for (const number of numbers) {
      const order = compareNumbers(number, best);
      if (order === null) return null;
      if (order === wanted) best = number;
    }
    return best;
  };
}

function divide([dividend, divisor, digits]: readonly Value[]): Value {
  const places = integerArgument(digits);
  if (typeof dividend !== "string" || typeof divisor !== "string" || places === null) return null;
  return divideNumbers(dividend, divisor, places);
}

/** Moves the decimal point: multiplies by a power of ten. */
function shift([number, digits]: readonly Value[]): Value {
  const places = integerArgument(digits);
  if (typeof number !== "string" || places === null || Math.abs(places) > EXPRESSION_DIGITS_MAX) return null;
  return multiplyNumbers([number, places < 0 ? `0.${"0".repeat(-places - 1)}1` : `1${"0".repeat(places)}`]);
}

function trimZeros(text: string): string {
  return text.includes(".") && !/e/i.test(text) ? text.replace(/\.?0+$/, "") : text;
}

/** The functions on decimal numbers; exact, and null where an argument is no number. */
export const NUMBER_FUNCTIONS: readonly FunctionSpec[] = [
  defineFunction("abs(number)", {
    returns: "number",
    description: "The number without its sign",
    apply: onNumber(absoluteNumber),
  }),
  defineFunction("neg(number)", {
    returns: "number",
    description: "The number with its sign inverted",
    apply: onNumber(negateNumber),
  }),
  defineFunction("add(number, number, …)", {
    returns: "number",
    description: "The sum, exact",
    apply: onNumbers(addNumbers),
  }),
  defineFunction("sub(number, number)", {
    returns: "number",
    description: "The first less the second, exact",
    apply: onNumbers(([first, second]) => {
      const negative = negateNumber(second);
      return negative === null ? null : addNumbers([first, negative]);
    }),
  }),
  defineFunction("mul(number, number, …)", {
    returns: "number",
    description: "The product, exact",
    apply: onNumbers(multiplyNumbers),
  }),
  defineFunction("div(number, divisor, digits)", {
    returns: "number",
    description: "The quotient with `digits` decimals, half rounded away from zero; null for divisor 0",
    apply: divide,
  }),
  defineFunction("shift(number, digits)", {
    returns: "number",
    description: "The number with its point moved right by `digits` places, or left if `digits` is negative; exact",
    apply: shift,
  }),
  defineFunction("trim_zeros(number)", {
    returns: "number",
    description: "The number without zeros at the end of its fraction",
    apply: onNumber((text) => isNumber(text) ? trimZeros(text) : null),
  }),
  defineFunction("sign(number)", {
    returns: "number",
    description: "-1, 0 or 1",
    apply: onNumber((text) => {
      const sign = signOfNumber(text);
      return sign === null ? null : String(sign);
    }),
  }),
  defineFunction("min(number, number, …)", {
    returns: "number",
    description: "The smallest of the numbers, with its own digits",
    apply: onNumbers(extreme(-1)),
  }),
  defineFunction("max(number, number, …)", {
    returns: "number",
    description: "The largest of the numbers, with its own digits",
    apply: onNumbers(extreme(1)),
  }),
  defineFunction("is_number(value)", {
    returns: "boolean",
    description: "Whether the value is a decimal number",
    apply: ([value]) => typeof value === "string" && isNumber(value),
  }),
];
