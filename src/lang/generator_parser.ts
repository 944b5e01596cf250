import { LANGUAGE_DEPTH_MAX, type Span } from "../model/mod.ts";
import { errorAt, type LangError, type Parsed, parsed, quoted, refusedAll } from "./diagnostic.ts";
import { checkPlaceholders } from "./generator_names.ts";
import { scanTokens, type Token, type Vocabulary } from "./scanner.ts";
import type {
  GeneratorCondition,
  GeneratorList,
  GeneratorOperand,
  GeneratorProgram,
  GeneratorStatement,
  GeneratorVariable,
} from "./generator_tree.ts";
import { didYouMean } from "./nearest.ts";
import { readPlaceholders, type TemplatePart } from "./placeholder.ts";
import { SYMBOL_PARTS } from "./template.ts";
import type { TextLiteral } from "./text_literal.ts";

const VOCABULARY: Vocabulary = {
  name: /[A-Za-z_]\w*/y,
  number: null,
  sign: /==|!=|&&|\|\||[(){};]/y,
  skipped: /(?:\s+|\/\/[^\n]*)+/y,
  hints: new Map([
    ["=", "write == to compare"],
    ["&", "write && for and"],
    ["|", "write || for or"],
    ["!", "write != to compare"],
    ["#", "a comment begins with //"],
    ["/", "a comment begins with //"],
    ["+", "placeholders such as {symbol} put values into the text"],
    ["`", "write a text in 'single' or \"double\" quotes"],
  ]),
};

/**
 * Parses a generator and checks its names and nesting. Continues after an error with the next statement, so that
 * several errors are reported at once. Offsets are those of `text`.
 */
export function parseGenerator(text: string): Parsed<GeneratorProgram> {
  const { tokens, errors } = scanTokens(text, VOCABULARY);
  return new GeneratorParser(tokens, errors).parse(text);
}

/** Ends a statement at its first misplaced token; caught where the statement began. */
class Misplaced extends Error {}

const STATEMENTS = ["foreach", "if", "emit"];
const LISTS = ["symbols", "channels"];
const RESERVED: ReadonlySet<string> = new Set([...STATEMENTS, ...LISTS, "else", "in", "conn_id"]);
/** Placeholders whose name a loop variable may have only if both mean the same; null: never. */
const PLACEHOLDER_LISTS: ReadonlyMap<string, GeneratorList | null> = new Map([
  ["symbol", "symbols"],
  ["ch", "channels"],
  ["channel", "channels"],
  ["symbol_lower", null],
  ["symbol_upper", null],
  ...SYMBOL_PARTS.map((part) => [part, null] as const),
  ["id", null],
  ["now_ms", null],
  ["now_s", null],
  ["uuid", null],
]);

class GeneratorParser {
  readonly #tokens: readonly Token[];
  readonly #errors: LangError[];
  #at = 0;
  #depth = 0;
  #scope: readonly GeneratorVariable[] = [];

  constructor(tokens: readonly Token[], errors: readonly LangError[]) {
    this.#tokens = tokens;
    this.#errors = [...errors];
  }

  parse(source: string): Parsed<GeneratorProgram> {
    const body: GeneratorStatement[] = [];
    while (this.#token.kind !== "end") {
      body.push(...this.#statements());
      const stray = this.#token;
      if (stray.kind === "end") break;
      this.#report(stray, "Unexpected }: no block is open here");
      this.#at++;
    }
    return this.#errors.length === 0 ? parsed({ source, body }) : refusedAll(this.#errors);
  }

  get #token(): Token {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)];
  }

  #is(kind: "name" | "sign", text: string): boolean {
    return this.#token.kind === kind && this.#token.text === text;
  }

  #accept(kind: "name" | "sign", text: string): boolean {
    if (!this.#is(kind, text)) return false;
    this.#at++;
    return true;
  }

  #expect(sign: string, why: string): void {
    if (!this.#accept("sign", sign)) this.#misplaced(`${sign} ${why}`);
  }

  #report(span: Span, message: string): void {
    this.#errors.push(errorAt(span.offset, span.length, message));
  }

  #misplaced(expected: string): never {
    this.#reportExpected(expected);
    throw new Misplaced();
  }

  #reportExpected(expected: string): void {
    const token = this.#token;
    const found = token.kind === "end" ? "the end" : token.kind === "text" ? quoted(token.text) : token.text;
    this.#report(token, `Expected ${expected}, found ${found}`);
  }

  /** Parses statements up to the end of the block or text. */
  #statements(): readonly GeneratorStatement[] {
    const statements: GeneratorStatement[] = [];
    while (this.#token.kind !== "end" && !this.#is("sign", "}")) {
      const depth = this.#depth;
      const scope = this.#scope;
      const start = this.#at;
      try {
        statements.push(this.#statement());
      } catch (error) {
        if (!(error instanceof Misplaced)) throw error;
        this.#depth = depth;
        this.#scope = scope;
        this.#skipStatement(start);
      }
    }
    return statements;
  }

  /** Skips the rest of the statement that began at `start`: past its semicolon, or past the block that it opened. */
  #skipStatement(start: number): void {
    const from = this.#at;
    this.#at = start;
    let open = 0;
    while (this.#token.kind !== "end") {
      const isBehind = this.#at >= from;
      if (this.#is("sign", "{")) open++;
      else if (this.#is("sign", "}")) {
        if (open === 0) return;
        open--;
        if (open === 0 && isBehind) {
          this.#at++;
          return;
        }
      } else if (this.#is("sign", ";") && open === 0 && isBehind) {
        this.#at++;
        return;
      } else if (isBehind && open === 0 && this.#at > start && this.#startsStatement()) return;
      this.#at++;
    }
  }

  #startsStatement(): boolean {
    return this.#token.kind === "name" && STATEMENTS.includes(this.#token.text);
  }

  #statement(): GeneratorStatement {
    const start = this.#token;
    if (this.#accept("name", "foreach")) return this.#foreach(start);
    if (this.#accept("name", "if")) return this.#if(start);
    if (this.#accept("name", "emit")) return this.#emit(start);
    if (start.kind === "name") {
      const message = start.text === "else"
        ? "Unexpected else: it must follow the block of an if"
        : `Unknown statement ${start.text}${didYouMean(start.text, STATEMENTS)}`;
      this.#report(start, message);
      throw new Misplaced();
    }
    return this.#misplaced("foreach, if or emit");
  }

  #span(start: Span): Span {
    const last = this.#tokens[Math.max(0, this.#at - 1)];
    return { offset: start.offset, length: last.offset + last.length - start.offset };
  }

  #block(): readonly GeneratorStatement[] {
    const open = this.#token;
    this.#expect("{", "to begin the block");
    if (++this.#depth > LANGUAGE_DEPTH_MAX) {
      this.#report(open, `Blocks are nested too deeply: at most ${LANGUAGE_DEPTH_MAX} levels`);
      throw new Misplaced();
    }
    const statements = this.#statements();
    this.#depth--;
    if (!this.#accept("sign", "}")) {
      this.#report(open, "Block is not closed: expected } before the end");
    }
    return statements;
  }

  #foreach(start: Span): GeneratorStatement {
    this.#expect("(", "as in foreach (s in symbols)");
    const name = this.#token;
    if (name.kind !== "name") this.#misplaced("the name of a loop variable");
    this.#at++;
    if (!this.#accept("name", "in")) this.#misplaced("in");
    const list = this.#list();
    this.#expect(")", "after the list");
    this.#checkVariable(name, list);
    const outer = this.#scope;
    this.#scope = [...outer, { name: name.text, list }];
    const body = this.#block();
    this.#scope = outer;
    return { kind: "foreach", variable: name.text, list, body, ...this.#span(start) };
  }

  #list(): GeneratorList {
    const token = this.#token;
    if (token.kind !== "name") this.#misplaced("symbols or channels");
    this.#at++;
    if (token.text === "symbols" || token.text === "channels") return token.text;
    this.#report(token, `Unknown list ${token.text}${didYouMean(token.text, LISTS)}`);
    return token.text.toLowerCase().startsWith("c") ? "channels" : "symbols";
  }

  #checkVariable(name: Token, list: GeneratorList): void {
    if (RESERVED.has(name.text)) {
      this.#report(name, `${name.text} is a word of the language: choose another name for the loop variable`);
    } else if (this.#scope.some((variable) => variable.name === name.text)) {
      this.#report(name, `${name.text} is the variable of a loop around this one: choose another name`);
    } else if (PLACEHOLDER_LISTS.has(name.text) && PLACEHOLDER_LISTS.get(name.text) !== list) {
      this.#report(name, `{${name.text}} means something else in emitted texts: choose another name`);
    }
  }

  #if(start: Span): GeneratorStatement {
    const branches = [this.#branch()];
    let otherwise: readonly GeneratorStatement[] = [];
    while (this.#accept("name", "else")) {
      if (this.#accept("name", "if")) {
        branches.push(this.#branch());
        continue;
      }
      otherwise = this.#block();
      break;
    }
    return { kind: "if", branches, otherwise, ...this.#span(start) };
  }

  #branch(): { readonly condition: GeneratorCondition; readonly body: readonly GeneratorStatement[] } {
    this.#expect("(", "before the condition");
    const condition = this.#condition();
    this.#expect(")", "after the condition");
    return { condition, body: this.#block() };
  }

  #condition(): GeneratorCondition {
    if (++this.#depth > LANGUAGE_DEPTH_MAX) {
      this.#report(this.#token, `Condition is nested too deeply: at most ${LANGUAGE_DEPTH_MAX} levels`);
      throw new Misplaced();
    }
    const condition = this.#chain("or", () => this.#chain("and", () => this.#comparison()));
    this.#depth--;
    return condition;
  }

  #chain(kind: "and" | "or", next: () => GeneratorCondition): GeneratorCondition {
    const operands = [next()];
    while (this.#accept("sign", kind === "and" ? "&&" : "||")) operands.push(next());
    return operands.length === 1 ? operands[0] : { kind, operands };
  }

  #comparison(): GeneratorCondition {
    if (this.#accept("sign", "(")) {
      const inner = this.#condition();
      this.#expect(")", "to close the parenthesis");
      return inner;
    }
    const left = this.#operand();
    const isEqual = this.#is("sign", "==");
    if (!isEqual && !this.#is("sign", "!=")) this.#misplaced("== or != and what to compare with");
    this.#at++;
    return { kind: "compare", isEqual, left, right: this.#operand() };
  }

  #operand(): GeneratorOperand {
    const token = this.#token;
    if (token.kind === "text") {
      this.#at++;
      return { kind: "text", value: token.text };
    }
    if (token.kind !== "name") this.#misplaced("a loop variable, conn_id, a part of the symbol or a quoted text");
    this.#at++;
    if (token.text === "conn_id") return { kind: "conn_id" };
    const names = this.#scope.map((variable) => variable.name);
    if (!names.includes(token.text) && SYMBOL_PARTS.some((part) => part === token.text)) {
      if (!this.#scope.some(({ list }) => list === "symbols")) {
        this.#report(token, `${token.text} is a part of a symbol: it needs a foreach over symbols around it`);
      }
      return { kind: "part", name: token.text };
    }
    if (!names.includes(token.text)) {
      this.#report(
        token,
        `Unknown name ${token.text}${didYouMean(token.text, [...names, "conn_id"])}`,
      );
    }
    return { kind: "variable", name: token.text };
  }

  #emit(start: Span): GeneratorStatement {
    this.#expect("(", "as in emit('…');");
    const token = this.#token;
    if (token.kind !== "text") this.#misplaced("a quoted text to emit");
    this.#at++;
    this.#expect(")", "after the text");
    const parts = readPlaceholders(token.text).map((part) => inSource(part, token.literal));
    this.#errors.push(...checkPlaceholders(parts, this.#scope));
    if (!this.#accept("sign", ";")) this.#reportExpected("; after emit(…)");
    return { kind: "emit", parts, scope: this.#scope, ...this.#span(start) };
  }
}

/** Translates a placeholder's offset in the literal's value to its offset in the source. */
function inSource(part: TemplatePart, literal: TextLiteral): TemplatePart {
  if (typeof part === "string") return part;
  const offset = literal.offsets[part.offset];
  return { ...part, offset, length: literal.offsets[part.offset + part.length] - offset };
}
