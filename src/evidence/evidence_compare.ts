import { ECHO_SEPARATOR } from "../model/mod.ts";
import { type Expectation, isObject, type Json, type JsonObject } from "./evidence.ts";

/** A value that is not as expected. Both sides are text for people. */
export interface Difference {
  /** Path of the value: `rule`, `events[0].price`, `events[1].bids[3]`. */
  readonly field: string;
  readonly expected: string;
  readonly got: string;
}

/** Most characters of a value in a message. */
const SHOWN_CHARS_MAX = 100;
/** Fields of an event that are compared only if the expectation has them. */
const OPTIONAL_FIELDS = ["native_symbol", "exchange", "checksum"];

/** A difference. */
export function difference(field: string, expected: string, got: string): Difference {
  return { field, expected: shortened(expected), got: shortened(got) };
}

/** Returns a value as JSON, cut if it is long. */
export function shortJson(value: Json | undefined): string {
  return value === undefined ? "nothing" : shortened(JSON.stringify(value));
}

function shortened(text: string): string {
  return text.length > SHOWN_CHARS_MAX ? `${text.slice(0, SHOWN_CHARS_MAX)}…` : text;
}

/** Returns the differences between an expectation and the actual result. */
export function compareFrame(expected: Expectation, actual: JsonObject, exchange: string): readonly Difference[] {
  const differences: Difference[] = [];
  if (!statesAnything(expected)) {
    return [difference("rule", "nothing is stated: --update does", shortJson(actual.rule))];
  }
  if (expected.rule !== undefined && expected.rule !== actual.rule) {
    differences.push(difference("rule", shortJson(expected.rule), shortJson(actual.rule)));
  }
  const faults = listOf(actual.faults);
  if (JSON.stringify(expected.faults) !== JSON.stringify(faults)) {
    const words = (texts: readonly Json[]) => texts.length === 0 ? "none" : texts.join("; ");
    differences.push(difference("faults", words(expected.faults), words(faults)));
  }
  compareSignal(expected.signal, isObject(actual.signal) ? actual.signal : null, differences);
  compareValue("checksums", { expected: expected.checksums, got: listOf(actual.checksums) }, differences);
  const events = listOf(actual.events).filter(isObject);
  const count = Math.max(events.length, expected.events.length);
  for (let i = 0; i < count; i++) {
    const field = `events[${i}]`;
    const wanted = expected.events[i];
    const got = events[i];
    if (wanted === undefined) differences.push(difference(field, "no further event", shortJson(got)));
    else if (got === undefined) differences.push(difference(field, shortJson(wanted), "no further event"));
    else compareEvent(field, { wanted, got: { exchange, ...got } }, differences);
  }
  return differences;
}

function statesAnything({ rule, signal, faults, checksums, events }: Expectation): boolean {
  return rule !== undefined || signal !== null || faults.length + checksums.length + events.length > 0;
}

function compareSignal(expected: JsonObject | null, actual: JsonObject | null, differences: Difference[]): void {
  if (expected === null) return;
  for (const [key, value] of Object.entries(expected)) {
    const got = actual?.[key] ?? null;
    const isSame = key === "echoes" ? sameEchoes(value, got) : JSON.stringify(value) === JSON.stringify(got);
    if (!isSame) differences.push(difference(`signal.${key}`, shortJson(value), shortJson(got)));
  }
}

/** Keys of items: a text, or the list of its parts. */
function sameEchoes(expected: Json, actual: Json): boolean {
  const keys = (value: Json) =>
    listOf(value).map((echo) => Array.isArray(echo) ? echo.join(ECHO_SEPARATOR) : String(echo)).join("\n");
  return keys(expected) === keys(actual);
}

/** Compares field by field; a field missing in the expectation must be null. */
function compareEvent(
  owner: string,
  { wanted, got }: { readonly wanted: JsonObject; readonly got: JsonObject },
  differences: Difference[],
): void {
  for (const key of new Set([...Object.keys(wanted), ...Object.keys(got)])) {
    const expected = ownValue(wanted, key);
    if (expected === undefined && OPTIONAL_FIELDS.includes(key)) continue;
    compareValue(`${owner}.${key}`, { expected: expected ?? null, got: ownValue(got, key) ?? null }, differences);
  }
}

/** Any text may be a key, also `constructor`. */
function ownValue(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function compareValue(
  field: string,
  { expected, got }: { readonly expected: Json; readonly got: Json },
  differences: Difference[],
): void {
  if (JSON.stringify(expected) === JSON.stringify(got)) return;
  if (!Array.isArray(expected) || !Array.isArray(got)) {
    differences.push(difference(field, shortJson(expected), shortJson(got)));
    return;
  }
  const first = expected.findIndex((one, i) => JSON.stringify(one) !== JSON.stringify(got[i]));
  const at = first < 0 ? expected.length : first;
  differences.push(difference(`${field}[${at}]`, shortJson(expected[at]), shortJson(got[at])));
  if (expected.length !== got.length) {
    differences.push(difference(`${field}.length`, String(expected.length), String(got.length)));
  }
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}
