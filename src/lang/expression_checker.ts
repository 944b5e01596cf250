import { type ExpressionNode, unreachable } from "../model/mod.ts";
import {
  findFunction,
  FUNCTIONS,
  type FunctionSpec,
  isDatePattern,
  mayBeNumber,
  type ParameterKind,
} from "../program/mod.ts";
import { errorAt, type LangError, quoted } from "./diagnostic.ts";
import { didYouMean } from "./nearest.ts";

/** Returns the errors of a tree: unknown functions, unfit arguments, conditions that never hold. */
export function checkExpression(
  tree: ExpressionNode,
  options: { readonly isCondition: boolean },
): readonly LangError[] {
  const errors: LangError[] = [];
  if (options.isCondition) checkCondition(tree, errors);
  checkNode(tree, errors);
  return errors;
}

function checkNode(node: ExpressionNode, errors: LangError[]): void {
  switch (node.kind) {
    case "literal":
      return;
    case "path":
      return checkRoute(node, errors);
    case "access":
      if (node.base.kind === "literal") {
        errors.push(errorAt(node.offset, node.length, "A literal has no members"));
      }
      return checkNode(node.base, errors);
    case "and":
    case "or":
      for (const operand of node.operands) checkCondition(operand, errors);
      return checkNodes(node.operands, errors);
    case "coalesce":
      return checkNodes(node.operands, errors);
    case "not":
      checkCondition(node.operand, errors);
      return checkNode(node.operand, errors);
    case "compare":
      checkOrder(node, errors);
      return checkNodes([node.left, node.right], errors);
    case "choose":
      checkCondition(node.condition, errors);
      return checkNodes([node.condition, node.then, node.otherwise], errors);
    case "call":
      checkCall(node, errors);
      return checkNodes(node.args, errors);
    default:
      return unreachable(node);
  }
}

/** An alias holds texts by name, so `route` must be followed by exactly one name. */
function checkRoute(node: ExpressionNode & { readonly kind: "path" }, errors: LangError[]): void {
  if (node.root !== "route" || node.segments.length === 1) return;
  errors.push(errorAt(node.offset, node.length, "`route` is followed by one name, as in route.symbol"));
}

function checkNodes(nodes: readonly ExpressionNode[], errors: LangError[]): void {
  for (const node of nodes) checkNode(node, errors);
}

/** Only `true` is true, so a condition must not be an expression that is always a text or a number. */
function checkCondition(node: ExpressionNode, errors: LangError[]): void {
  const isText = (node.kind === "literal" && typeof node.value !== "boolean") ||
    (node.kind === "call" && isNeverTrue(findFunction(node.name.text)));
  if (!isText) return;
  errors.push(errorAt(node.offset, node.length, "A condition must be true or false: compare the value with =="));
}

function isNeverTrue(spec: FunctionSpec | undefined): boolean {
  return spec !== undefined && (spec.returns === "text" || spec.returns === "number");
}

/** `<`, `<=`, `>` and `>=` compare numbers only. */
function checkOrder(node: ExpressionNode & { readonly kind: "compare" }, errors: LangError[]): void {
  if (node.operator === "==" || node.operator === "!=") return;
  for (const side of [node.left, node.right]) {
    if (side.kind !== "literal" || fits(side, "number")) continue;
    errors.push(errorAt(side.offset, side.length, `Only numbers have an order: ${node.operator} needs a number here`));
  }
}

function checkCall(node: ExpressionNode & { readonly kind: "call" }, errors: LangError[]): void {
  const { name, args } = node;
  const spec = findFunction(name.text);
  if (spec === undefined) {
    const names = FUNCTIONS.map((known) => known.name);
    errors.push(errorAt(name.offset, name.length, `Unknown function ${name.text}${didYouMean(name.text, names)}`));
    return;
  }
  if (args.length < spec.argumentsMin || args.length > spec.argumentsMax) {
    errors.push(
      errorAt(node.offset, node.length, `${spec.signature} takes ${countOf(spec)}, found ${args.length}`),
    );
  }
  args.forEach((arg, index) => {
    const parameter = spec.parameters[Math.min(index, spec.parameters.length - 1)];
    if (arg.kind !== "literal" || fits(arg, parameter.kind)) return;
    const found = typeof arg.value === "string" ? quoted(arg.value) : String(arg.value);
    errors.push(
      errorAt(
        arg.offset,
        arg.length,
        `${parameter.name} of ${spec.signature} must be ${A[parameter.kind]}: ${found}`,
      ),
    );
  });
}

function countOf(spec: FunctionSpec): string {
  const { argumentsMin, argumentsMax } = spec;
  const noun = argumentsMin === 1 ? "argument" : "arguments";
  if (argumentsMax === Infinity) return `${argumentsMin} or more arguments`;
  return argumentsMin === argumentsMax ? `${argumentsMin} ${noun}` : `${argumentsMin} to ${argumentsMax} arguments`;
}

const A: Readonly<Record<ParameterKind, string>> = {
  value: "a value",
  text: "a text",
  number: "a number",
  integer: "a whole number",
  list: "a list",
  "date pattern": "a pattern of YYYY YY MM MMM M DD",
};

function fits(literal: ExpressionNode & { readonly kind: "literal" }, kind: ParameterKind): boolean {
  const { value } = literal;
  switch (kind) {
    case "value":
      return true;
    case "text":
      return typeof value === "string";
    case "number":
      return typeof value === "string" && mayBeNumber(value);
    case "integer":
      return typeof value === "string" && /^[+-]?\d{1,9}$/.test(value);
    case "list":
      return false;
    case "date pattern":
      return typeof value === "string" && isDatePattern(value);
  }
}
