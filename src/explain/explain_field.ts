import { NOT_FOUND } from "../json/mod.ts";
import type { CompiledExpression, CompiledField, Scope } from "../program/mod.ts";
import { FieldReader, type ReadContext } from "../normalize/mod.ts";
import type { ExplainedField } from "./explanation.ts";

/** A field of the current row, step by step; its value is what the field's own reader gives. */
export function explainField(name: string, rule: CompiledField, context: ReadContext): ExplainedField {
  context.faults.length = 0;
  const reader = new FieldReader(rule, name);
  const value = rule.unit === null ? reader.text(context) : reader.micros(context);
  const faults = context.faults.map(({ code }) => code);
  const tried = triedSources(rule, context.scope);
  const steps = tried.flatMap(({ text }) =>
    text !== null && isAbsent(rule, text) ? [`absent ${JSON.stringify(text)}`] : []
  );
  const last = tried.at(-1)?.text ?? null;
  if (rule.map !== null && last !== null && !isAbsent(rule, last)) steps.push(mapStep(rule.map, rule.other, last));
  if (rule.unit !== null && value !== null) steps.push(`unit ${rule.unit} → µs`);
  return { name, sources: tried.map(({ source, found }) => ({ source, found })), steps, value, faults };
}

function isAbsent(rule: CompiledField, text: string): boolean {
  return rule.absent !== null && rule.absent.has(text);
}

function mapStep(map: ReadonlyMap<string, string>, other: string | null, text: string): string {
  const mapped = map.get(text);
  if (mapped !== undefined) return `map ${JSON.stringify(text)} → ${JSON.stringify(mapped)}`;
  return other === null
    ? `map has no ${JSON.stringify(text)}`
    : `other: ${JSON.stringify(text)} → ${JSON.stringify(other)}`;
}

interface TriedSource {
  readonly source: string;
  readonly found: string;
  /** The scalar text; null where there is none. */
  readonly text: string | null;
}

/** The sources in order, up to the first that gives a value. */
function triedSources(rule: CompiledField, scope: Scope): readonly TriedSource[] {
  const tried: TriedSource[] = [];
  for (const source of rule.sources) {
    const value = source.evaluate(scope);
    const text = typeof value === "string" ? value : typeof value === "boolean" ? String(value) : null;
    tried.push({ source: source.source, found: foundBy(source, scope), text });
    if (text !== null && rule.absent?.has(text) !== true) break;
  }
  return tried;
}

/** What one source of a control rule yields. */
export function explainSource(name: string, source: CompiledExpression, scope: Scope): ExplainedField {
  const value = source.evaluate(scope);
  const text = typeof value === "number" ? scope.document.source(value) : value === null ? null : String(value);
  return {
    name,
    sources: [{ source: source.source, found: foundBy(source, scope) }],
    steps: [],
    value: text,
    faults: [],
  };
}

/** What a source yields, as it stands in the frame; `missing` where it leads nowhere. */
function foundBy(source: CompiledExpression, scope: Scope): string {
  const { document } = scope;
  if (source.path !== null) {
    const node = document.find(source.path, scope.row);
    return node === NOT_FOUND ? "missing" : shortened(document.source(node));
  }
  const value = source.evaluate(scope);
  if (typeof value === "number") return shortened(document.source(value));
  return typeof value === "string" ? shortened(JSON.stringify(value)) : String(value);
}

/** Most characters of a value or row that are shown. */
const SHOWN_CHARS_MAX = 200;

/** Text cut where it is long. */
export function shortened(text: string): string {
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text;
}
