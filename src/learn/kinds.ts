import { type LearnedMessage, type MessageKind, readKind } from "./fields.ts";
import { bare, isList, isObject, isSymbol, type Json, kindText, SYMBOL_MARK } from "./values.ts";

/** A path near the root whose text identifies kinds of messages. */
interface Place {
  readonly path: readonly string[];
  /** Texts at the path, without symbols, with their numbers of messages. */
  readonly kinds: ReadonlyMap<string, number>;
  readonly score: number;
}

/** The kinds found in all messages. */
export interface LearnedKinds {
  readonly kinds: readonly MessageKind[];
  /** Messages that are lists at their root, or no JSON objects. */
  readonly others: number;
}

/** Kinds with fewer messages than this are left out. */
const MESSAGES_MIN = 2;
/** Texts that name an action, not a subject. */
const ACTIONS = new Set([
  "snapshot",
  "partial",
  "update",
  "delta",
  "insert",
  "delete",
  "change",
  "incremental",
  "l2update",
]);
/** Most kinds reported. */
const KINDS_MAX = 40;

/** Groups messages by kind and recognises each kind. */
export function learnKinds(messages: readonly LearnedMessage[]): LearnedKinds {
  const objects = messages.filter(({ body }) => isObject(body));
  const symbols = symbolsOf(objects);
  const place = placeOf(objects, symbols);
  const groups = Map.groupBy(objects, (message) => {
    const text = place === null ? undefined : textAt(message.body, place.path);
    // A message without the text is identified by its keys.
    return text === undefined
      ? `keys ${Object.keys(message.body as object).sort().join(" ")}`
      : `text ${kindText(text, symbols)}`;
  });
  const told = [...groups].filter(([, found]) => found.length >= MESSAGES_MIN).sort((a, b) =>
    b[1].length - a[1].length
  );
  const kinds = told.slice(0, KINDS_MAX).map(([key, found]) => {
    const at = key.startsWith("text ") && place !== null ? place.path : null;
    return readKind(found, { at, pattern: at === null ? "" : key.slice(5), symbols, place: place?.path ?? null });
  });
  return { kinds, others: messages.length - objects.length };
}

/** Returns the texts that look like symbols, without case and separators; the longest first. */
function symbolsOf(messages: readonly LearnedMessage[]): readonly string[] {
  const found = new Map<string, number>();
  const collect = (value: Json, depth: number) => {
    if (typeof value === "string" && value.length < 80) {
      // Whole, or the words of a topic; the separator of words is none of a symbol.
      for (const word of new Set([value, ...value.split(/[.:@/]/), ...value.split(/[._:@/]/)])) {
        if (isSymbol(word)) found.set(bare(word), (found.get(bare(word)) ?? 0) + 1);
      }
    }
    if (depth > 4 || typeof value !== "object" || value === null) return;
    for (const inner of (isList(value) ? value.slice(0, 20) : Object.values(value))) collect(inner, depth + 1);
  };
  for (const { body } of messages) collect(body, 0);
  return [...found.keys()].sort((a, b) => b.length - a.length);
}

/** Returns the path whose texts predict best the shape of a message. */
function placeOf(messages: readonly LearnedMessage[], symbols: readonly string[]): Place | null {
  const paths = new Map<string, readonly string[]>();
  for (const { body } of messages.slice(0, 2_000)) {
    for (const path of textPaths(body, [])) paths.set(path.join("\n"), path);
  }
  let best: Place | null = null;
  for (const path of paths.values()) {
    const kinds = new Map<string, number>();
    const shapes = new Map<string, Set<string>>();
    let present = 0;
    for (const { body } of messages) {
      const text = textAt(body, path);
      if (text === undefined) continue;
      present++;
      const kind = kindText(text, symbols);
      kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
      shapes.set(kind, (shapes.get(kind) ?? new Set()).add(shapeOf(body)));
    }
    if (
      kinds.size > KINDS_MAX || kinds.has(SYMBOL_MARK) ||
      [...kinds.keys()].every((text) => ACTIONS.has(text.toLowerCase()))
    ) continue;
    const spread = [...shapes.values()].reduce((sum, each) => sum + each.size, 0) / Math.max(1, kinds.size);
    const apart = new Set([...shapes.values()].map((each) => [...each].sort().join("\n"))).size;
    // Present in most, few shapes a kind, and the kinds differ in shape; near the root where equal.
    const score = present / messages.length / Math.sqrt(spread) * (apart + 1) / (1 + 0.05 * kinds.size) -
      path.length / 100;
    if (best === null || score > best.score) best = { path, kinds, score };
  }
  return best;
}

function* textPaths(value: Json, path: readonly string[]): Iterable<readonly string[]> {
  if (!isObject(value)) return;
  for (const [key, inner] of Object.entries(value)) {
    if (typeof inner === "string" && inner.length < 80) yield [...path, key];
    else if (path.length < 2) yield* textPaths(inner, [...path, key]);
  }
}

/** Returns the text at a path; undefined if there is none. */
export function textAt(value: Json | undefined, path: readonly string[]): string | undefined {
  for (const key of path) value = isObject(value) ? value[key] : undefined;
  return typeof value === "string" ? value : undefined;
}

/** Returns the keys of a message, three levels deep. */
function shapeOf(value: Json, depth = 0): string {
  if (isList(value)) return `[${value.length === 0 ? "" : shapeOf(value[0], depth + 1)}]`;
  if (!isObject(value)) return "";
  if (depth > 2) return "{}";
  return `{${Object.keys(value).sort().map((key) => `${key}${shapeOf(value[key], depth + 1)}`).join(",")}}`;
}
