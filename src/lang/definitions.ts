import {
  childrenOf,
  EXPRESSION_NODES_MAX,
  type ExpressionNode,
  LANGUAGE_DEPTH_MAX,
  type Span,
  unreachable,
} from "../model/mod.ts";
import { findFunction } from "../program/mod.ts";
import { errorAt, type LangError, type Parsed, parsed, refused, refusedAll } from "./diagnostic.ts";
import { checkExpression } from "./expression_checker.ts";
import { parseTree } from "./expression_parser.ts";

/** A function that a descriptor defines: an expression with named parameters. */
export interface Definition {
  /** As it was written: `scaled(x)`. */
  readonly signature: string;
  readonly parameters: readonly string[];
  readonly tree: ExpressionNode;
}

/** Defined functions by name. */
export type Definitions = ReadonlyMap<string, Definition>;

export const NO_DEFINITIONS: Definitions = new Map();

const SIGNATURE = /^([A-Za-z_]\w*)\(([^()]*)\)$/;
const PARAMETER = /^[A-Za-z_]\w*$/;
const RESERVED: ReadonlySet<string> = new Set(["row", "parent", "root", "route", "true", "false", "null"]);

/** A definition with its name, or the errors of its signature or body. */
export type ReadDefinition =
  | { readonly ok: true; readonly name: string; readonly definition: Definition }
  | { readonly ok: false; readonly in: "signature" | "body"; readonly errors: readonly LangError[] };

/**
 * Parses a definition: `scaled(x)` and its body. The body may call only the definitions in `known`, so that no function
 * calls itself. Parameters are replaced by the arguments; other names keep the meaning they have at the call.
 */
export function readDefinition(signature: string, body: string, known: Definitions): ReadDefinition {
  const match = SIGNATURE.exec(signature);
  const wrong = (message: string): ReadDefinition => ({
    ok: false,
    in: "signature",
    errors: [errorAt(0, signature.length, message)],
  });
  const [, name = "", list = ""] = match ?? [];
  const parameters = list.trim() === "" ? [] : list.split(",").map((one) => one.trim());
  if (match === null || !parameters.every((one) => PARAMETER.test(one))) {
    return wrong(`Not a function's name with its parameters: ${signature}; write it as name(a, b)`);
  }
  if (findFunction(name) !== undefined) {
    return wrong(`Function ${name} is one of the language's own: choose another name`);
  }
  if (known.has(name)) return wrong(`Function ${name} is defined twice`);
  const reserved = [name, ...parameters].find((one) => RESERVED.has(one));
  if (reserved !== undefined) return wrong(`${reserved} means something else in expressions: choose another name`);
  if (new Set(parameters).size < parameters.length) return wrong("Two parameters have one name");
  const { tree, errors } = parseTree(body);
  if (tree === null) return { ok: false, in: "body", errors };
  const expanded = expandCalls(tree, known);
  if (!expanded.ok) return { ok: false, in: "body", errors: expanded.errors };
  const found = checkExpression(expanded.value, { isCondition: false });
  if (found.length > 0) return { ok: false, in: "body", errors: found };
  return { ok: true, name, definition: { signature, parameters, tree: expanded.value } };
}

/**
 * Returns the tree with calls of defined functions expanded. Expanded nodes have the span of the call, so that errors
 * point into the text of the user. Bounded like every expression.
 */
export function expandCalls(tree: ExpressionNode, definitions: Definitions): Parsed<ExpressionNode> {
  if (definitions.size === 0) return parsed(tree);
  const expander = new Expander(definitions);
  const expanded = expander.expand(tree);
  if (expander.errors.length > 0) return refusedAll(expander.errors);
  if (depthOf(expanded) > LANGUAGE_DEPTH_MAX) {
    return refused(0, tree.length, `Expression is nested too deeply: at most ${LANGUAGE_DEPTH_MAX} levels`);
  }
  return parsed(expanded);
}

class Expander {
  readonly errors: LangError[] = [];
  readonly #definitions: Definitions;
  #nodes = 0;
  #isTooLarge = false;

  constructor(definitions: Definitions) {
    this.#definitions = definitions;
  }

  expand(node: ExpressionNode): ExpressionNode {
    if (node.kind !== "call") return this.#copy(node, (child) => this.expand(child));
    const definition = this.#definitions.get(node.name.text);
    if (definition === undefined) return this.#copy(node, (child) => this.expand(child));
    const { parameters, signature, tree } = definition;
    if (node.args.length !== parameters.length) {
      const takes = parameters.length === 1 ? "1 argument" : `${parameters.length || "no"} arguments`;
      this.errors.push(errorAt(node.offset, node.length, `${signature} takes ${takes}, found ${node.args.length}`));
      return node;
    }
    const args = new Map(parameters.map((name, index) => [name, this.expand(node.args[index])]));
    return this.#written(tree, args, { offset: node.offset, length: node.length });
  }

  /** Returns a node of a definition, expanded for a call. */
  #written(node: ExpressionNode, args: ReadonlyMap<string, ExpressionNode>, call: Span): ExpressionNode {
    const argument = node.kind === "path" && node.root === "row" ? args.get(node.segments[0]) : undefined;
    if (node.kind !== "path" || argument === undefined) {
      return { ...this.#copy(node, (child) => this.#written(child, args, call)), ...call };
    }
    const segments = node.segments.slice(1);
    if (segments.length === 0) return this.#copy(argument, (child) => child);
    return argument.kind === "path"
      ? { ...argument, segments: [...argument.segments, ...segments] }
      : { kind: "access", base: argument, segments, ...call };
  }

  #copy(node: ExpressionNode, change: (child: ExpressionNode) => ExpressionNode): ExpressionNode {
    if (++this.#nodes > EXPRESSION_NODES_MAX) {
      if (!this.#isTooLarge) {
        const message =
          `Expression is too large after its functions are expanded: more than ${EXPRESSION_NODES_MAX} values and operators`;
        this.errors.push(errorAt(node.offset, node.length, message));
      }
      this.#isTooLarge = true;
      return node;
    }
    switch (node.kind) {
      case "literal":
      case "path":
        return node;
      case "access":
        return { ...node, base: change(node.base) };
      case "and":
      case "or":
      case "coalesce":
        return { ...node, operands: node.operands.map(change) };
      case "not":
        return { ...node, operand: change(node.operand) };
      case "compare":
        return { ...node, left: change(node.left), right: change(node.right) };
      case "choose":
        return {
          ...node,
          condition: change(node.condition),
          then: change(node.then),
          otherwise: change(node.otherwise),
        };
      case "call":
        return { ...node, args: node.args.map(change) };
      default:
        return unreachable(node);
    }
  }
}

function depthOf(node: ExpressionNode): number {
  return 1 + Math.max(0, ...childrenOf(node).map(depthOf));
}
