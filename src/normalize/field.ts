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

/** Microseconds of one unit, for whole counts; 0 where a count is no whole number of them. */
const MICROS_PER_UNIT: Readonly<Record<TimeUnit, number>> = { s: 1_000_000, ms: 1000, us: 1, ns: 0, iso: 0, auto: 0 };

/** Takes one value from the current row, as the rule says; what is wrong with it becomes a fault of the row. */
export class FieldReader {
  readonly #rule: CompiledField;
  readonly #where: string;
  readonly #required: boolean;
  /** Set where the rule has one source that is a plain path: the usual case, without a call. */
  readonly #path: Path | null;
  readonly #plain: boolean;
  /** The same where besides nothing is mapped and no text stands for a missing value. */
  readonly #directPath: Path | null;
  readonly #microsPerUnit: number;
  /** Texts that stand for a missing value: so few that comparing with each is cheaper than a look-up. */
  readonly #absent: readonly string[];
  readonly #absentBytes: readonly Uint8Array[];
  /** The times that these would be. */
  readonly #absentMicros: readonly Micros[];
  readonly #isIso: boolean;
  /** What `oneOf` gives by the bytes that stand there, for the values that it was last asked for. */
  #choices: readonly { readonly bytes: Uint8Array; readonly value: string }[] = [];
  #choicesOf: readonly string[] | null = null;

  /** `owner` names the field in faults: `trade.price`. `required`: a fault where missing, even if the rule is lenient. */
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

  /** The node that the field is plainly read from: one place, nothing mapped; negative where it is not, or not there. */
  plainNode({ document, scope }: ReadContext): NodeId {
    return this.#directPath === null ? -1 : document.find(this.#directPath, scope.row);
  }

  /** The value's text after `map`; null where it is missing. */
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

  /** The digits of a number; null where it is missing, and for text that is no number, which is a fault. */
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

  /** Adds what `decimal` gives to a column: without making the text, where the number is plainly written. */
  decimalInto(context: ReadContext, column: DigitsColumn): void {
    if (!this.#bytesInto(context, column)) column.append(this.decimal(context));
  }

  /** Adds what `text` gives to a column: without making the text, where it is a number. */
  textInto(context: ReadContext, column: DigitsColumn): void {
    if (!this.#bytesInto(context, column)) column.append(this.text(context));
  }

  /** Adds what `sequence` gives to a column: without making the text, where it is an integer. */
  sequenceInto(context: ReadContext, column: DigitsColumn): void {
    if (this.#bytesInto(context, column)) {
      if (column.scales[column.length - 1] === 0) return;
      column.length--;
    }
    column.append(this.sequence(context));
  }

  /** Adds a number that stands as such in the one place where the field is read from; false where that is not so. */
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

  /** An integer's digits, however it is written; null where it is missing; anything else is a fault where required. */
  integer(context: ReadContext): string | null {
    const text = this.text(context);
    const digits = text === null ? null : integerText(text);
    if (text === null || digits !== null) return digits;
    if (this.#required) context.fail("bad_decimal", this.#where);
    return null;
  }

  /** The text of a position in a stream: an integer's digits, however it is written; other text as it stands. */
  sequence(context: ReadContext): string | null {
    const text = this.text(context);
    return text === null ? null : integerText(text) ?? text;
  }

  /** A time in microseconds; null where it is missing, and for text that is no time in the unit, which is a fault. */
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

  /** `true` or `false`; null where it is missing; any other text is a fault. */
  boolean(context: ReadContext): boolean | null {
    const text = this.text(context);
    if (text === null) return null;
    if (text === "true") return true;
    if (text !== "false") context.fail("unknown_value", this.#where);
    return text === "false" ? false : null;
  }

  /** One of the texts given; `missing` where the field is not there; any other text is a fault. */
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

  /** Lists the texts that become one of some values, so that their bytes alone are compared. */
  #setChoices(values: readonly string[]): void {
    const { map } = this.#rule;
    const texts = map === null ? values.map((value) => [value, value] as const) : [...map];
    const known = texts.filter(([text, value]) =>
      text !== "" && text.isWellFormed() && values.includes(value) && !this.#absent.includes(text)
    );
    this.#choices = known.map(([text, value]) => ({ bytes: new TextEncoder().encode(text), value }));
    this.#choicesOf = values;
  }

  /** The time at the first source that leads to a value; negative where it is not written in the usual way. */
  #firstMicros({ document, scope }: ReadContext): number {
    for (const { path, rootPath } of this.#rule.sources) {
      const usual = path ?? rootPath;
      if (usual === undefined) return -1;
      const place = path === null && scope.outer !== null ? scope.outer : document;
      const node = place.find(usual, path === null ? 0 : scope.row);
      if (node < 0) continue;
      if (!this.#isIso) return place.digits(node) * this.#microsPerUnit;
      const start = place.plainStart(node);
      return microsFromIsoBytes(place.bytes, start, start + place.plainLength(node)) ?? -1;
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

/** The text of what an expression finds in the current row; null where it finds nothing or a container. */
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

/** As expressionText(), and for containers their source text. */
export function expressionSource(context: ReadContext, expression: CompiledExpression): string | null {
  const value: Value | NodeId = expression.evaluate(context.scope);
  return typeof value === "number" ? context.document.source(value) : valueText(value);
}
