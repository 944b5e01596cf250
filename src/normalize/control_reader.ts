import type { NodeId } from "../json/mod.ts";
import type { CompiledControl, CompiledPredicate, CompiledRows } from "../program/mod.ts";
import { type ControlSignal, ECHO_SEPARATOR } from "../model/mod.ts";
import type { ReadContext } from "./context.ts";
import { expressionSource, expressionText } from "./field.ts";
import { RowList } from "./rows.ts";

const NOTHING = {
  correlation: null,
  echoes: [],
  accepted: null,
  rejected: [],
  reason: null,
  capture: null,
  final: false,
} as const;

/** Reads the signal of a control frame. `index` is that of the rule in the plan. */
export class ControlReader {
  readonly rule: CompiledControl;
  readonly #index: number;
  readonly #rows = new RowList();

  constructor(rule: CompiledControl, index: number) {
    this.rule = rule;
    this.#index = index;
  }

  /** Returns the signal of a frame that equals the rule's text. */
  bare(): ControlSignal {
    return this.#signal({ ...NOTHING });
  }

  /** Whether a row of the frame in the context matches the rule. */
  applies(context: ReadContext): boolean {
    const { where, rows } = this.rule;
    if (where === null) return true;
    if (rows === null) return this.#holds(context, 0, 0, where);
    this.#rows.collect(context.document, rows, 0);
    return this.#rows.rows.some((row, i) => this.#holds(context, row, this.#rows.parents[i], where));
  }

  #holds(context: ReadContext, row: NodeId, parent: NodeId, where: CompiledPredicate): boolean {
    context.atRow(row, parent);
    const holds = where.test(context.scope);
    context.atRoot();
    return holds;
  }

  /** Returns the signal of the frame in the context. */
  read(context: ReadContext): ControlSignal {
    const { correlation, accepted, rejected, reason, capture, captures } = this.rule;
    const isListing = accepted !== null || rejected !== null;
    context.atRoot();
    return this.#signal({
      correlation: correlation === null ? null : expressionText(context, correlation),
      echoes: isListing ? [] : this.#echoes(context, this.rule.rows),
      accepted: accepted === null ? null : this.#echoes(context, accepted),
      rejected: rejected === null ? [] : this.#echoes(context, rejected),
      reason: reason === null ? null : expressionSource(context, reason),
      capture: capture === null ? null : expressionSource(context, capture),
      ...(captures.length === 0 ? {} : { captures: capturedBy(captures, context) }),
      final: this.#isFinal(context),
    });
  }

  #isFinal(context: ReadContext): boolean {
    const { final } = this.rule;
    return final !== null && final.test(context.scope);
  }

  #signal(
    found: Omit<ControlSignal, "rule" | "action" | "ruleIndex">,
  ): ControlSignal {
    return { rule: this.rule.name, action: this.rule.action, ...found, ruleIndex: this.#index };
  }

  /** Returns one key for each row that names all parts of an item. */
  #echoes(context: ReadContext, rows: CompiledRows | null): string[] {
    const { echo } = this.rule;
    if (echo.length === 0) return [];
    const echoes: string[] = [];
    if (rows === null) {
      this.#pushEcho(context, echoes);
      return echoes;
    }
    this.#rows.collect(context.document, rows, 0);
    for (let i = 0; i < this.#rows.rows.length; i++) {
      context.atRow(this.#rows.rows[i], this.#rows.parents[i]);
      if (this.rule.where === null || this.rule.where.test(context.scope)) this.#pushEcho(context, echoes);
    }
    context.atRoot();
    return echoes;
  }

  #pushEcho(context: ReadContext, echoes: string[]): void {
    const parts: string[] = [];
    for (const expression of this.rule.echo) {
      const part = expressionText(context, expression);
      if (part === null) return;
      parts.push(part);
    }
    echoes.push(parts.join(ECHO_SEPARATOR));
  }
}

/** Returns the captured source texts by name; empty text if the frame lacks one. */
function capturedBy(
  captures: CompiledControl["captures"],
  context: ReadContext,
): Readonly<Record<string, string>> {
  return Object.fromEntries(captures.map(([name, one]) => [name, expressionSource(context, one) ?? ""]));
}
