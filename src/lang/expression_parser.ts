import {
  type Comparison,
  EXPRESSION_NODES_MAX,
  type ExpressionNode,
  LANGUAGE_DEPTH_MAX,
  type PathRoot,
  type Span,
} from "../model/mod.ts";
import { errorAt, type LangError, quoted } from "./diagnostic.ts";
import { scanTokens, type Token, type Vocabulary } from "./scanner.ts";

/** Result of parsing: the tree, or null with the errors. */
export interface ParsedTree {
  readonly tree: ExpressionNode | null;
  readonly errors: readonly LangError[];
}

const VOCABULARY: Vocabulary = {
  name: /[\p{L}_$][\p{L}\p{N}_$]*/uy,
  number: /-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y,
  sign: /\?\?|==|!=|<=|>=|&&|\|\||[<>!?:()[\],.]/y,
  skipped: /\s+/y,
  hints: new Map([
    ["=", "write == to compare"],
    ["&", "write && for and"],
    ["|", "write || for or"],
    ["+", "write add(a, b) for numbers or concat(a, b) for texts"],
    ["-", 'write sub(a, b) or neg(a); a name with a hyphen is written row["a-b"]'],
    ["*", "write mul(a, b)"],
    ["/", "write div(a, b, digits); a pointer stands alone and begins with /"],
    ["`", "write a text in 'single' or \"double\" quotes"],
  ]),
};

/** Parses an expression. Reports all characters that cannot be read, or else the first misplaced token. */
export function parseTree(source: string): ParsedTree {
  const { tokens, errors } = scanTokens(source, VOCABULARY);
  if (errors.length > 0) return { tree: null, errors };
  return new ExpressionParser(tokens).parse();
}

/** Ends parsing at the first misplaced token; caught where parsing began. */
class Misplaced extends Error {
  readonly error: LangError;
  constructor(error: LangError) {
    super(error.message);
    this.error = error;
  }
}

type Bare<T> = T extends unknown ? Omit<T, "offset" | "length"> : never;

const COMPARISONS: ReadonlySet<string> = new Set(["==", "!=", "<", "<=", ">", ">="]);
const INDEX = /^(?:0|-?[1-9]\d{0,8})$/;

/**
 * Recursive descent, loosest binding first: `c ? a : b`, `||`, `&&`, comparison (one, not a chain), `??`, `!`, then
 * `.name`, `[index]` and calls.
 */
class ExpressionParser {
  readonly #tokens: readonly Token[];
  #at = 0;
  #nodes = 0;
  #depth = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  parse(): ParsedTree {
    try {
      const tree = this.#expression();
      if (this.#token.kind !== "end") this.#misplaced("an operator or the end");
      return { tree, errors: [] };
    } catch (error) {
      if (error instanceof Misplaced) return { tree: null, errors: [error.error] };
      throw error;
    }
  }

  get #token(): Token {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)];
  }

  #advance(): Token {
    const token = this.#token;
    this.#at++;
    return token;
  }

  #isSign(sign: string): boolean {
    return this.#token.kind === "sign" && this.#token.text === sign;
  }

  #accept(sign: string): boolean {
    if (!this.#isSign(sign)) return false;
    this.#at++;
    return true;
  }

  #expect(sign: string, why: string): void {
    if (!this.#accept(sign)) this.#misplaced(`${sign} ${why}`);
  }

  #misplaced(expected: string): never {
    const token = this.#token;
    const found = token.kind === "end" ? "the end" : token.kind === "text" ? quoted(token.text) : token.text;
    return this.#refuse(token, `Expected ${expected}, found ${found}`);
  }

  #refuse(span: Span, message: string): never {
    throw new Misplaced(errorAt(span.offset, span.length, message));
  }

  #node(start: Span, node: Bare<ExpressionNode>): ExpressionNode {
    if (++this.#nodes > EXPRESSION_NODES_MAX) {
      this.#refuse(start, `Expression is too large: more than ${EXPRESSION_NODES_MAX} values and operators`);
    }
    const last = this.#tokens[Math.max(0, this.#at - 1)];
    return { ...node, offset: start.offset, length: last.offset + last.length - start.offset };
  }

  #nested<T>(parse: () => T): T {
    if (++this.#depth > LANGUAGE_DEPTH_MAX) {
      this.#refuse(this.#token, `Expression is nested too deeply: at most ${LANGUAGE_DEPTH_MAX} levels`);
    }
    const parsed = parse();
    this.#depth--;
    return parsed;
  }

  #expression(): ExpressionNode {
    return this.#nested(() => {
      const start = this.#token;
      const condition = this.#or();
      if (!this.#accept("?")) return condition;
      const then = this.#expression();
      this.#expect(":", "and the value if the condition is false");
      const otherwise = this.#expression();
      return this.#node(start, { kind: "choose", condition, then, otherwise });
    });
  }

  #chain(kind: "and" | "or" | "coalesce", sign: string, next: () => ExpressionNode): ExpressionNode {
    const start = this.#token;
    const first = next();
    if (!this.#isSign(sign)) return first;
    const operands = [first];
    while (this.#accept(sign)) operands.push(next());
    return this.#node(start, { kind, operands });
  }

  #or(): ExpressionNode {
    return this.#chain("or", "||", () => this.#and());
  }

  #and(): ExpressionNode {
    return this.#chain("and", "&&", () => this.#comparison());
  }

  #comparison(): ExpressionNode {
    const start = this.#token;
    const left = this.#coalesce();
    const operator = this.#comparisonSign();
    if (operator === null) return left;
    this.#advance();
    const right = this.#coalesce();
    if (this.#comparisonSign() !== null) {
      this.#refuse(this.#token, "Comparisons cannot be chained: join two of them with &&");
    }
    return this.#node(start, { kind: "compare", operator, left, right });
  }

  #comparisonSign(): Comparison | null {
    const token = this.#token;
    return token.kind === "sign" && isComparison(token.text) ? token.text : null;
  }

  #coalesce(): ExpressionNode {
    return this.#chain("coalesce", "??", () => this.#unary());
  }

  #unary(): ExpressionNode {
    const start = this.#token;
    if (!this.#accept("!")) return this.#postfix();
    const operand = this.#nested(() => this.#unary());
    return this.#node(start, { kind: "not", operand });
  }

  #postfix(): ExpressionNode {
    const start = this.#token;
    const segments: string[] = [];
    if (this.#isSign("[")) {
      this.#segments(segments);
      return this.#node(start, { kind: "path", root: "row", segments });
    }
    const base = this.#primary();
    this.#segments(segments);
    if (segments.length === 0) return base;
    if (base.kind !== "path") return this.#node(start, { kind: "access", base, segments });
    return this.#node(start, { kind: "path", root: base.root, segments: [...base.segments, ...segments] });
  }

  /** Parses any number of `.name` and `[…]`. */
  #segments(segments: string[]): void {
    while (true) {
      if (this.#accept(".")) {
        const token = this.#token;
        if (token.kind !== "name") {
          this.#misplaced(
            token.kind === "number" ? `a name after the dot (an element is a[${token.text}])` : "a name after the dot",
          );
        }
        segments.push(token.text);
        this.#advance();
      } else if (this.#accept("[")) {
        const token = this.#token;
        if (token.kind === "number" && !INDEX.test(token.text)) {
          this.#refuse(token, `An index is a whole number, negative from the end: found ${token.text}`);
        }
        if (token.kind !== "number" && token.kind !== "text") this.#misplaced("an index or a quoted name");
        segments.push(token.text);
        this.#advance();
        this.#expect("]", "after the index");
      } else return;
    }
  }

  #primary(): ExpressionNode {
    const token = this.#token;
    switch (token.kind) {
      case "text":
        this.#advance();
        return this.#node(token, { kind: "literal", value: token.text, isNumber: false });
      case "number":
        this.#advance();
        return this.#node(token, { kind: "literal", value: token.text, isNumber: true });
      case "name":
        this.#advance();
        return this.#isSign("(") ? this.#call(token) : this.#named(token);
      case "sign":
      case "end":
        break;
    }
    if (!this.#accept("(")) this.#misplaced("a value");
    const inner = this.#expression();
    this.#expect(")", "to close the parenthesis");
    return inner;
  }

  #named(token: Token): ExpressionNode {
    switch (token.text) {
      case "true":
      case "false":
        return this.#node(token, { kind: "literal", value: token.text === "true", isNumber: false });
      case "null":
        return this.#node(token, { kind: "literal", value: null, isNumber: false });
      case "row":
      case "parent":
      case "root":
      case "route": {
        const root: PathRoot = token.text;
        return this.#node(token, { kind: "path", root, segments: [] });
      }
      default:
        return this.#node(token, { kind: "path", root: "row", segments: [token.text] });
    }
  }

  #call(name: Token): ExpressionNode {
    this.#expect("(", "");
    const args: ExpressionNode[] = [];
    if (!this.#accept(")")) {
      do args.push(this.#expression()); while (this.#accept(","));
      this.#expect(")", `or , in the call of ${name.text}`);
    }
    return this.#node(name, { kind: "call", name, args });
  }
}

function isComparison(text: string): text is Comparison {
  return COMPARISONS.has(text);
}
