import {
  type Channel,
  GENERATOR_CHARS_MAX,
  GENERATOR_MESSAGES_MAX,
  GENERATOR_STEPS_MAX,
  type Template,
} from "../model/mod.ts";
import { errorAt, inOrder, type LangError } from "./diagnostic.ts";
import { GENERATOR_PLACEHOLDERS } from "./generator_names.ts";
import type { GeneratorCondition, GeneratorOperand, GeneratorProgram, GeneratorStatement } from "./generator_tree.ts";
import { fillPlaceholders } from "./template.ts";

/** Input of a generator. */
export interface GeneratorInput {
  /** The descriptor's connection id. */
  readonly connId: string;
  /** Instruments of the connection, in order. */
  readonly symbols: readonly GeneratorSymbol[];
  /** Requested channels with their native names, in order. */
  readonly channels: readonly { readonly channel: Channel; readonly native: string }[];
  /** Arguments by key. */
  readonly args: Readonly<Record<string, string>>;
  readonly environment: (name: string) => string | undefined;
}

/** An instrument that a generator loops over. */
export interface GeneratorSymbol {
  readonly canonical: string;
  readonly native: string;
  /** Values of placeholders for this instrument: `base`, `sym:kind`. */
  readonly values?: Readonly<Record<string, string>>;
}

/** One emitted message. */
export interface EmittedMessage {
  readonly template: Template;
  /** Canonical symbol of the innermost loop over symbols; null outside such a loop. */
  readonly symbol: string | null;
  /** Channel of the innermost loop over channels; null outside such a loop. */
  readonly channel: Channel | null;
  /** Offset of the `emit` in the generator's text. */
  readonly offset: number;
}

/** Result of a run: the messages in order, and the errors of placeholders and bounds. */
export interface GeneratorRun {
  readonly messages: readonly EmittedMessage[];
  readonly errors: readonly LangError[];
  /** Offsets of the `emit` statements that ran. */
  readonly reached: ReadonlySet<number>;
}

/**
 * Runs a generator. A missing variable or argument is reported once, at its placeholder. The run ends with an error at
 * GENERATOR_MESSAGES_MAX messages, GENERATOR_CHARS_MAX of text or GENERATOR_STEPS_MAX steps.
 */
export function runGenerator(program: GeneratorProgram, input: GeneratorInput): GeneratorRun {
  const runner = new GeneratorRunner(input);
  runner.run(program.body);
  return { messages: runner.messages, errors: inOrder([...runner.errors.values()]), reached: runner.reached };
}

/** Value of a loop variable: canonical and native name. */
interface Binding {
  readonly name: string;
  readonly canonical: string;
  readonly native: string;
}

class GeneratorRunner {
  readonly messages: EmittedMessage[] = [];
  readonly errors = new Map<string, LangError>();
  readonly reached = new Set<number>();
  readonly #input: GeneratorInput;
  readonly #values: Record<string, string>;
  readonly #bindings: Binding[] = [];
  #symbol: GeneratorSymbol | null = null;
  /** The symbol whose values are among the placeholders. */
  #filled: GeneratorSymbol | null = null;
  #channel: { readonly channel: Channel; readonly native: string } | null = null;
  #steps = 0;
  #chars = 0;
  #isOver = false;

  constructor(input: GeneratorInput) {
    this.#input = input;
    this.#values = Object.create(null);
    this.#values.conn_id = input.connId;
    for (const [key, value] of Object.entries(input.args)) this.#values[`arg:${key}`] = value;
  }

  run(statements: readonly GeneratorStatement[]): void {
    for (const statement of statements) {
      if (this.#isOver) return;
      if (++this.#steps > GENERATOR_STEPS_MAX) {
        return this.#end(statement, `Generator runs too long: more than ${GENERATOR_STEPS_MAX} steps`);
      }
      switch (statement.kind) {
        case "foreach":
          this.#foreach(statement);
          break;
        case "if":
          this.run(this.#chosen(statement));
          break;
        case "emit":
          this.#emit(statement);
      }
    }
  }

  #end(statement: GeneratorStatement, message: string): void {
    this.#isOver = true;
    this.#report(errorAt(statement.offset, statement.length, message));
  }

  #report(error: LangError): void {
    this.errors.set(`${error.offset} ${error.message}`, error);
  }

  #foreach(loop: GeneratorStatement & { readonly kind: "foreach" }): void {
    const { variable, list, body } = loop;
    if (list === "symbols") {
      const outer = this.#symbol;
      for (const symbol of this.#input.symbols) {
        this.#symbol = symbol;
        this.#round(loop, { name: variable, canonical: symbol.canonical, native: symbol.native }, body);
      }
      this.#symbol = outer;
      return;
    }
    const outer = this.#channel;
    for (const channel of this.#input.channels) {
      this.#channel = channel;
      this.#round(loop, { name: variable, canonical: channel.channel, native: channel.native }, body);
    }
    this.#channel = outer;
  }

  #round(loop: GeneratorStatement, binding: Binding, body: readonly GeneratorStatement[]): void {
    if (this.#isOver) return;
    if (++this.#steps > GENERATOR_STEPS_MAX) {
      return this.#end(loop, `Generator runs too long: more than ${GENERATOR_STEPS_MAX} steps`);
    }
    this.#bindings.push(binding);
    this.run(body);
    this.#bindings.pop();
  }

  #chosen(statement: GeneratorStatement & { readonly kind: "if" }): readonly GeneratorStatement[] {
    for (const { condition, body } of statement.branches) if (this.#holds(condition)) return body;
    return statement.otherwise;
  }

  #holds(condition: GeneratorCondition): boolean {
    switch (condition.kind) {
      case "compare":
        return (this.#valueOf(condition.left) === this.#valueOf(condition.right)) === condition.isEqual;
      case "and":
        return condition.operands.every((operand) => this.#holds(operand));
      case "or":
        return condition.operands.some((operand) => this.#holds(operand));
    }
  }

  #valueOf(operand: GeneratorOperand): string {
    switch (operand.kind) {
      case "text":
        return operand.value;
      case "conn_id":
        return this.#input.connId;
      case "part":
        return this.#symbol?.values?.[operand.name] ?? "";
      case "variable": {
        const binding = this.#bindings.find(({ name }) => name === operand.name);
        if (binding === undefined) throw new Error(`Unchecked loop variable ${operand.name}`);
        return binding.canonical;
      }
    }
  }

  #emit(statement: GeneratorStatement & { readonly kind: "emit" }): void {
    if (this.messages.length >= GENERATOR_MESSAGES_MAX) {
      return this.#end(statement, `Generator emits too much: more than ${GENERATOR_MESSAGES_MAX} messages`);
    }
    this.reached.add(statement.offset);
    const scope = {
      values: this.#emitValues(),
      environment: this.#input.environment,
      placeholders: GENERATOR_PLACEHOLDERS,
    };
    let isComplete = true;
    const template = fillPlaceholders(statement.parts, scope, (error) => {
      isComplete = false;
      this.#report(error);
    });
    this.#chars += template.source.length;
    if (this.#chars > GENERATOR_CHARS_MAX) {
      return this.#end(statement, `Generator emits too much: more than ${GENERATOR_CHARS_MAX} characters`);
    }
    if (!isComplete) return;
    this.messages.push({
      template,
      symbol: this.#symbol?.canonical ?? null,
      channel: this.#channel?.channel ?? null,
      offset: statement.offset,
    });
  }

  #fillSymbol(symbol: GeneratorSymbol): void {
    if (this.#filled === symbol) return;
    for (const name of Object.keys(this.#filled?.values ?? {})) delete this.#values[name];
    Object.assign(this.#values, symbol.values);
    this.#filled = symbol;
  }

  /** Returns the placeholder values of the running loops; the object is reused. */
  #emitValues(): Readonly<Record<string, string>> {
    const values = this.#values;
    if (this.#symbol !== null) {
      const { native } = this.#symbol;
      this.#fillSymbol(this.#symbol);
      values.symbol = native;
      values.symbol_lower = native.toLowerCase();
      values.symbol_upper = native.toUpperCase();
    }
    if (this.#channel !== null) {
      values.ch = this.#channel.native;
      values.channel = this.#channel.native;
    }
    for (const { name, native } of this.#bindings) values[name] = native;
    return values;
  }
}
