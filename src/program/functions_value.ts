import type { JsonDocument, NodeId } from "../json/mod.ts";
import { EXPRESSION_STEPS_MAX, EXPRESSION_TEXT_CHARS_MAX } from "../model/mod.ts";
import { defineFunction, type Evaluation, type FunctionSpec } from "./function_spec.ts";
import { textArgument } from "./functions_text.ts";
import type { Value } from "./scope.ts";
import { areEqual, textOfValue, valueOfNode } from "./value.ts";

/** Returns the node of an argument that is an array; null for anything else. */
function arrayArgument(value: Value, document: JsonDocument): NodeId | null {
  return typeof value === "number" && document.kind(value) === "array" ? value : null;
}

/** Counts one step; false if none is left. */
function mayStep(evaluation: Evaluation): boolean {
  return ++evaluation.steps <= EXPRESSION_STEPS_MAX;
}

function contains([container, part]: readonly Value[], document: JsonDocument, evaluation: Evaluation): Value {
  const list = arrayArgument(container, document);
  if (list === null) {
    const text = textArgument(container);
    const found = textArgument(part);
    return text === null || found === null ? null : text.includes(found);
  }
  for (let node = document.firstChild(list); node >= 0; node = document.next(node)) {
    if (!mayStep(evaluation)) return null;
    if (areEqual(valueOfNode(document, node), part)) return true;
  }
  return false;
}

function lengthOf([value]: readonly Value[], document: JsonDocument): Value {
  if (typeof value === "number") return String(document.length(value));
  const text = textOfValue(value);
  return text === null ? null : String(text.length);
}

function oneOf(args: readonly Value[]): Value {
  for (let i = 1; i < args.length; i++) if (areEqual(args[0], args[i])) return true;
  return false;
}

function keyOf([value]: readonly Value[], document: JsonDocument): Value {
  const key = typeof value === "number" ? document.key(value) : "";
  return key === "" ? null : key;
}

function first([value]: readonly Value[], document: JsonDocument): Value {
  const list = arrayArgument(value, document);
  return list === null ? null : valueOfNode(document, document.firstChild(list));
}

function last([value]: readonly Value[], document: JsonDocument, evaluation: Evaluation): Value {
  const list = arrayArgument(value, document);
  if (list === null) return null;
  let node = document.firstChild(list);
  for (let next = node; next >= 0; next = document.next(next)) {
    if (!mayStep(evaluation)) return null;
    node = next;
  }
  return valueOfNode(document, node);
}

function join([value, between]: readonly Value[], document: JsonDocument, evaluation: Evaluation): Value {
  const list = arrayArgument(value, document);
  const separator = textArgument(between);
  if (list === null || separator === null) return null;
  let joined = "";
  let isFirst = true;
  for (let node = document.firstChild(list); node >= 0; node = document.next(node)) {
    if (!mayStep(evaluation)) return null;
    const text = textArgument(valueOfNode(document, node));
    if (text === null) return null;
    joined += isFirst ? text : separator + text;
    isFirst = false;
    if (joined.length > EXPRESSION_TEXT_CHARS_MAX) return null;
  }
  return joined;
}

/** Finds an object of a list by one of its members, and returns another of its members. */
function findMember(
  [value, member, wanted, result]: readonly Value[],
  document: JsonDocument,
  evaluation: Evaluation,
): Value {
  const list = arrayArgument(value, document);
  const [key, name] = [textArgument(member), textArgument(result)];
  if (list === null || key === null || name === null || wanted === null) return null;
  for (let node = document.firstChild(list); node >= 0; node = document.next(node)) {
    let found: Value = null;
    let matches = false;
    for (let child = document.firstChild(node); child >= 0; child = document.next(child)) {
      if (!mayStep(evaluation)) return null;
      const childKey = document.key(child);
      if (childKey === key && areEqual(valueOfNode(document, child), wanted)) matches = true;
      if (childKey === name) found = valueOfNode(document, child);
    }
    if (matches) return found;
  }
  return null;
}

function lookup(args: readonly Value[]): Value {
  let i = 1;
  for (; i + 1 < args.length; i += 2) if (areEqual(args[0], args[i])) return args[i + 1];
  return i < args.length ? args[i] : null;
}

/** The functions on values of any kind and on lists. */
export const VALUE_FUNCTIONS: readonly FunctionSpec[] = [
  defineFunction("contains(value, part)", {
    returns: "boolean",
    description: "Whether the text contains the part, or the list contains an equal element",
    apply: contains,
  }),
  defineFunction("length(value)", {
    returns: "number",
    description: "Characters of a text, elements of a list, members of an object",
    apply: lengthOf,
  }),
  defineFunction("key_of(value)", {
    returns: "text",
    description: "The key of an object or a list in the object around it",
    apply: keyOf,
  }),
  defineFunction("listed(symbol, name)", {
    returns: "text",
    description:
      "The value of this name (`values` of `[[rest.instruments]]`) for the instrument with this native symbol; null if it is unknown",
    apply: ([symbol, name], _document, _evaluation, listed) =>
      typeof symbol !== "string" || typeof name !== "string" ? null : listed?.get(symbol)?.get(name) ?? null,
    readsLists: true,
  }),
  defineFunction("has(value)", {
    returns: "boolean",
    description: "Whether the value is not null",
    apply: ([value]) => value !== null,
  }),
  defineFunction("one_of(value, candidate, …)", {
    returns: "boolean",
    description: "Whether the value equals one of the candidates",
    apply: oneOf,
  }),
  defineFunction("first(list)", {
    returns: "value",
    description: "The first element; null if the list is empty",
    apply: first,
  }),
  defineFunction("last(list)", {
    returns: "value",
    description: "The last element; null if the list is empty",
    apply: last,
  }),
  defineFunction("join(list, separator)", {
    returns: "text",
    description: "The scalars of the list, joined with the separator; null if an element is not a scalar",
    apply: join,
  }),
  defineFunction("find(list, member, value, result)", {
    returns: "value",
    description: "The member `result` of the first object in the list whose `member` equals the value",
    apply: findMember,
  }),
  defineFunction("lookup(value, key, result, …)", {
    returns: "value",
    description:
      "The result after the first key that equals the value; if none does, a single argument left at the end",
    apply: lookup,
  }),
];
