import type { NodeId, Path } from "../json/mod.ts";
import {
  type DigitsColumn,
  integerText,
  isDecimal,
  type Micros,
  microsFromIsoBytes,
  microsFromText,
  type TimeUnit,
} from "../model/mod.ts";
import type { CompiledExpression, CompiledField, Value } from "../program/mod.ts";
import type { ReadContext } from "./context.ts";

/** Microseconds in one unit; 0 if a count of the unit is not a whole number of microseconds. */
const MICROS_PER_UNIT: Readonly<Record<TimeUnit, number>> = { s: 1_000_000, ms: 1000, us: 1, ns: 0, iso: 0, auto: 0 };

/** Reads one value from the current row by a rule; a wrong value is a fault of the row. */
export class FieldReader {
  readonly #rule: CompiledField;
  readonly #where: string;
  readonly #required: boolean;
  /** The rule's only source, if it is a plain path (the usual case); null otherwise. */
  readonly #path: Path | null;
  readonly #plain: boolean;
  /** The same, if the rule also has no `map` and no `absent`; null otherwise. */
  readonly #directPath: Path | null;
  readonly #microsPerUnit: number;
  /** Texts that mean a missing value: so few that comparing with each is cheaper than a look-up. */
  readonly #absent: readonly string[];
  readonly #absentBytes: readonly Uint8Array[];
  /** The times that these texts would give. */
  readonly #absentMicros: readonly Micros[];
  readonly #isIso: boolean;
  /** Results of `oneOf` by bytes, for the values of its last call. */
  #choices: readonly { readonly bytes: Uint8Array; readonly value: string }[] = [];
  #choicesOf: readonly string[] | null = null;

  /**
   * `owner` names the field in faults: `trade.price`. `required`: a missing value is a fault even if the rule allows
   * it.
   */
  constructor(rule: CompiledField, owner: string, required = false) {
    this.#rule = rule;
    this.#where = `${owner} ${rule.sources.map((source) => source.source).join(" ?? ")}`.trimEnd();
    this.#required = required || rule.required;
    this.#path = rule.sources.length === 1 ? rule.sources[0].path : null;
    this.#plain = rule.absent === null && rule.map === null;
    this.#directPath = this.#plain ? this.#path : null;
    this.#microsPerUnit = MICROS_PER_UNIT[rule.unit ?? "ms"];
    this.#absent = [...rule.absent ?? []];
    this.#absentMicros = this.#absent.flatMap((text) => microsFromText(text, rule.unit ?? "ms") ?? []);
    this.#absentBytes = this.#absent.map((text) => new TextEncoder().encode(text));
    this.#isIso = rule.unit === "iso";
  }

  /**
   * Returns the node of a field that is read from a single path without `map`; negative if it is not, or is missing.
   */
  plainNode({ document, scope }: ReadContext): NodeId {
    return this.#directPath === null ? -1 : document.find(this.#directPath, scope.row);
  }

  /** Returns the value's text after `map`; null if it is missing. */
  text(context: ReadContext): string | null {
    const rule = this.#rule;
    let text = this.#path === null
      ? this.#firstText(context)
      : context.document.text(context.document.find(this.#path, context.scope.row));
    if (!this.#plain && text !== null) {
      if (this.#absent.includes(text)) text = null;
      else if (rule.map !== null) {
        const mapped = rule.map.get(text) ?? rule.other;
        if (mapped === null) context.fail("unknown_value", this.#where);
        return mapped;
      }
    }
    if (text === null && this.#required) context.fail("missing_field", this.#where);
    return text;
  }

  /** Returns the digits of a number; null if it is missing, or, with a fault, if the text is no number. */
  decimal(context: ReadContext): string | null {
    if (this.#path !== null && this.#rule.map === null) {
      const { document } = context;
      const plain = document.plainDecimal(document.find(this.#path, context.scope.row));
      if (plain !== null && !this.#absent.includes(plain)) return plain;
    }
    const text = this.text(context);
    if (text === null || isDecimal(text)) return text;
    context.fail("bad_decimal", this.#where);
    return null;
  }

  /** Appends the result of `decimal` to a column, without creating the text if the number is plainly written. */
  decimalInto(context: ReadContext, column: DigitsColumn): void {
    if (!this.#bytesInto(context, column)) column.append(this.decimal(context));
  }

  /** Appends the result of `text` to a column, without creating the text if it is a number. */
  textInto(context: ReadContext, column: DigitsColumn): void {
    if (!this.#bytesInto(context, column)) column.append(this.text(context));
  }

  /** Appends the result of `sequence` to a column, without creating the text if it is an integer. */
  sequenceInto(context: ReadContext, column: DigitsColumn): void {
    if (this.#bytesInto(context, column)) {
      if (column.scales[column.length - 1] === 0) return;
      column.length--;
    }
    column.append(this.sequence(context));
  }

  /** Appends a plainly written number from the field's only path; false if it is not one. */
  #bytesInto({ document, scope }: ReadContext, column: DigitsColumn): boolean {
    if (this.#path === null || this.#rule.map !== null) return false;
    const node = document.find(this.#path, scope.row);
    const length = document.plainLength(node);
    if (length <= 0) return false;
    const absent = this.#absentBytes;
    for (let i = 0; i < absent.length; i++) if (document.equals(node, absent[i])) return false;
    const start = document.plainStart(node);
    return column.appendBytes(document.bytes, start, start + length);
  }

  /**
   * Returns an integer's digits, in any spelling; null if it is missing or no integer, which is a fault if required.
   */
  integer(context: ReadContext): string | null {
    const text = this.text(context);
    const digits = text === null ? null : integerText(text);
    if (text === null || digits !== null) return digits;
    if (this.#required) context.fail("bad_decimal", this.#where);
    return null;
  }

  /** Returns a sequence: an integer's digits, in any spelling, or another text unchanged; null if it is missing. */
  sequence(context: ReadContext): string | null {
    const text = this.text(context);
    return text === null ? null : integerText(text) ?? text;
  }

  /** Returns a time; null if it is missing, or, with a fault, if the text is no time in the unit. */
  micros(context: ReadContext): Micros | null {
    if (this.#rule.map === null && (this.#isIso || this.#microsPerUnit > 0)) {
      const micros = this.#firstMicros(context);
      if (micros >= 0 && micros <= Number.MAX_SAFE_INTEGER && !this.#absentMicros.includes(micros)) return micros;
    }
    const text = this.text(context);
    if (text === null) return null;
    const micros = microsFromText(text, this.#rule.unit ?? "ms");
    if (micros === null) context.fail("bad_time", this.#where);
    return micros;
  }

  /** Returns `true` or `false`; null if it is missing, or, with a fault, if the text is anything else. */
  boolean(context: ReadContext): boolean | null {
    const text = this.text(context);
    if (text === null) return null;
    if (text === "true") return true;
    if (text !== "false") context.fail("unknown_value", this.#where);
    return text === "false" ? false : null;
  }

  /** Returns one of `values`; `missing` if the field is missing, or, with a fault, if the text is not among them. */
  oneOf<T extends string>(context: ReadContext, values: readonly T[], missing: T): T {
    if (this.#path !== null) {
      const { document, scope } = context;
      const node = document.find(this.#path, scope.row);
      if (this.#choicesOf !== values) this.#setChoices(values);
      const choices = this.#choices;
      for (let i = 0; i < choices.length; i++) {
        if (document.equals(node, choices[i].bytes)) return choices[i].value as T;
      }
    }
    const text = this.text(context);
    if (text === null) return missing;
    for (const value of values) if (value === text) return value;
    context.fail("unknown_value", this.#where);
    return missing;
  }

  /** Lists the texts that give one of the values, so that only bytes are compared. */
  #setChoices(values: readonly string[]): void {
    const { map } = this.#rule;
    const texts = map === null ? values.map((value) => [value, value] as const) : [...map];
    const known = texts.filter(([text, value]) =>
      text !== "" && text.isWellFormed() && values.includes(value) && !this.#absent.includes(text)
    );
    this.#choices = known.map(([text, value]) => ({ bytes: new TextEncoder().encode(text), value }));
    this.#choicesOf = values;
  }

  /** Returns the time of the first source with a value; negative if it is not written in the usual way. */
  #firstMicros({ document, scope }: ReadContext): number {
    for (const { path, rootPath } of this.#rule.sources) {
      const usual = path ?? rootPath;
      if (usual === undefined) return -1;
      const from = path === null && scope.outer !== null ? scope.outer : document;
      const node = from.find(usual, path === null ? 0 : scope.row);
      if (node < 0) continue;
      if (!this.#isIso) return from.digits(node) * this.#microsPerUnit;
      const start = from.plainStart(node);
      return microsFromIsoBytes(from.bytes, start, start + from.plainLength(node)) ?? -1;
    }
    return -1;
  }

  #firstText(context: ReadContext): string | null {
    const absent = this.#absent;
    for (const source of this.#rule.sources) {
      const text = expressionText(context, source);
      if (text !== null && !absent.includes(text)) return text;
    }
    return null;
  }
}

/** Returns the text of an expression's value in the current row; null if there is none or it is a container. */
export function expressionText(context: ReadContext, expression: CompiledExpression): string | null {
  const { path, rootPath } = expression;
  const { document, scope } = context;
  if (path !== null) return document.text(document.find(path, scope.row));
  if (rootPath !== undefined) {
    const frame = scope.outer ?? document;
    return frame.text(frame.find(rootPath, 0));
  }
  return valueText(expression.evaluate(context.scope));
}

function valueText(value: Value): string | null {
  return typeof value === "string" ? value : typeof value === "boolean" ? String(value) : null;
}

/** Does the same as expressionText(), but returns the source text of containers. */
export function expressionSource(context: ReadContext, expression: CompiledExpression): string | null {
  const value: Value | NodeId = expression.evaluate(context.scope);
  return typeof value === "number" ? context.document.source(value) : valueText(value);
}
