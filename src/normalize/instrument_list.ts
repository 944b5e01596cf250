import { JsonDocument } from "../json/mod.ts";
import type { InstrumentListPlan, InstrumentListRule, ListValues, RankingPlan } from "../model/mod.ts";
import { type CompiledExpression, compileExpression, compilePredicate, compileRows } from "../program/mod.ts";
import { ReadContext } from "./context.ts";
import { FrameMemory } from "./frame_memory.ts";
import { expressionText } from "./field.ts";
import { FrameEvents } from "./frame_events.ts";
import { InstrumentReader } from "./instrument_reader.ts";
import { KnownInstruments } from "./known_instruments.ts";
import { RowList } from "./rows.ts";

/** An entry of an exchange's instrument list. */
export interface ListedInstrument {
  readonly canonical: string;
  readonly native: string;
  /** Further values that requests and rules use, by name. */
  readonly values: Readonly<Record<string, string>>;
}

/** Returns the path of the page after the one in an answer; null if it is the last. */
export function nextPagePath(rule: InstrumentListPlan, body: Uint8Array): string | null {
  const document = new JsonDocument();
  if (rule.next === null || !document.parse(body)) return null;
  const cursor = expressionText(new ReadContext(document, new FrameMemory()), compileExpression(rule.next.at));
  if (cursor === null || cursor === "") return null;
  const query = `${encodeURIComponent(rule.next.parameter)}=${encodeURIComponent(cursor)}`;
  return `${rule.path}${rule.path.includes("?") ? "&" : "?"}${query}`;
}

/** Returns the instruments of a page that pass the filter, as a text that is equal only if their fields are. */
export function instrumentsText(rule: InstrumentListRule, body: Uint8Array): string {
  const document = new JsonDocument();
  if (!document.parse(body)) return "";
  const known = new KnownInstruments();
  const context = new ReadContext(document, new FrameMemory());
  new InstrumentReader(rule).read(context, { asked: null, known, receivedTs: 0 }, new FrameEvents());
  return JSON.stringify(known.entries());
}

/**
 * Reads the answer of an instrument list: the rows that pass the filter and have both spellings. Null if the body is
 * not JSON.
 */
export function readInstrumentList(rule: InstrumentListPlan, body: Uint8Array): readonly ListedInstrument[] | null {
  const document = new JsonDocument();
  if (!document.parse(body)) return null;
  const context = new ReadContext(document, new FrameMemory());
  const where = rule.where === null ? null : compilePredicate(rule.where);
  const nativeAt = compileExpression(rule.native);
  const canonicalAt = compileExpression(rule.canonical);
  const valuesAt = compileValues(rule.values);
  const list = new RowList();
  list.collect(document, compileRows(rule.rows), 0);
  const instruments: ListedInstrument[] = [];
  list.rows.forEach((row, index) => {
    context.atRow(row, list.parents[index]);
    if (where !== null && !where.test(context.scope)) return;
    const native = expressionText(context, nativeAt);
    const canonical = expressionText(context, canonicalAt);
    if (native === null || canonical === null) return;
    instruments.push({ canonical, native, values: textsOf(context, valuesAt) });
  });
  return instruments;
}

/** An instrument of a ranking, with its measures. */
export interface RankedInstrument {
  readonly native: string;
  readonly values: Readonly<Record<string, string>>;
}

/**
 * Reads the answer of a ranking: the rows that pass the filter and name an instrument. Null if the body is not JSON.
 */
export function readRanking(rule: RankingPlan, body: Uint8Array): readonly RankedInstrument[] | null {
  const document = new JsonDocument();
  if (!document.parse(body)) return null;
  const context = new ReadContext(document, new FrameMemory());
  const where = rule.where === null ? null : compilePredicate(rule.where);
  const nativeAt = compileExpression(rule.native);
  const valuesAt = compileValues(rule.values);
  const list = new RowList();
  list.collect(document, compileRows(rule.rows), 0);
  return list.rows.flatMap((row, index) => {
    context.atRow(row, list.parents[index]);
    if (where !== null && !where.test(context.scope)) return [];
    const native = expressionText(context, nativeAt);
    return native === null ? [] : [{ native, values: textsOf(context, valuesAt) }];
  });
}

type CompiledValues = readonly (readonly [name: string, at: CompiledExpression])[];

function compileValues(values: ListValues): CompiledValues {
  return Object.entries(values).map(([name, at]) => [name, compileExpression(at)] as const);
}

/** Returns the texts of expressions in the current row, by name; those without a value are left out. */
function textsOf(context: ReadContext, values: CompiledValues): Readonly<Record<string, string>> {
  return Object.fromEntries(values.flatMap(([name, at]) => {
    const value = expressionText(context, at);
    return value === null ? [] : [[name, value] as const];
  }));
}
