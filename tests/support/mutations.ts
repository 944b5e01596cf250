/** Random numbers in [0, 1). */
export type Chance = () => number;

/** An integer from 0 to below `count`. */
export function below(chance: Chance, count: number): number {
  return Math.floor(chance() * count);
}

/** One of some values. */
export function oneOf<T>(chance: Chance, values: readonly T[]): T {
  return values[below(chance, values.length)];
}

/** Changes text; another frame is at hand to take parts of. */
type Mutation = (text: string, chance: Chance, other: string) => string;

/** Values that stand where others were expected. */
const VALUES: readonly string[] = [
  "null",
  "true",
  "false",
  "0",
  "-0",
  "-1",
  "1e308",
  "-1E-400",
  "9999999999e99",
  "0.1e-7",
  "9007199254740993",
  "123456789012345678901234567890.123456789",
  '""',
  '" "',
  '"NaN"',
  '"Infinity"',
  '"0x10"',
  '"1e5"',
  '"-5"',
  '"1,5"',
  '"0001-01-01T00:00:00.000000Z"',
  '"9999-12-31T23:59:60Z"',
  '"\\ud800"',
  '"\\udfff\\ud800x"',
  '"\\u0000"',
  '"__proto__"',
  '"constructor"',
  '"é😀"',
  "[]",
  "{}",
  "[[]]",
  "[null]",
  '{"":{}}',
  '["1","2","3"]',
];

/** Keys that have a meaning elsewhere. */
const KEYS: readonly string[] = ['"__proto__"', '"constructor"', '""', '"\\u0065"', '"0"', '"length"', '"\\ud800"'];

/** Texts, with the colon behind those that are keys, and other scalars. */
const TOKEN = /"(?:[^"\\]|\\.)*"(?:\s*:)?|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/g;
const SCALAR = (token: string) => !token.endsWith(":");
const MEMBER = (token: string) => token.endsWith(":");

/** Mutations that leave JSON what it is. */
const STRUCTURED: readonly Mutation[] = [
  // A value in place of another.
  (text, chance) => replaceMatch(text, SCALAR, chance, () => oneOf(chance, VALUES)),
  (text, chance) => replaceMatch(text, SCALAR, chance, () => oneOf(chance, VALUES)),
  (text, chance, other) => replaceMatch(text, SCALAR, chance, () => other),
  // Huge integers and long texts.
  (text, chance) => replaceMatch(text, SCALAR, chance, () => "9".repeat(1 + below(chance, 400))),
  (text, chance) => replaceMatch(text, SCALAR, chance, () => `"${"1".repeat(below(chance, 3000))}"`),
  // A key twice, another key, a key of the language's own.
  (text, chance) => replaceMatch(text, MEMBER, chance, (key) => `${key}${oneOf(chance, VALUES)},${key}`),
  (text, chance) => replaceMatch(text, MEMBER, chance, () => `${oneOf(chance, KEYS)}:`),
  (text, chance) =>
    replaceMatch(text, MEMBER, chance, (key) => `${oneOf(chance, KEYS)}:${oneOf(chance, VALUES)},${key}`),
  // Deep nesting, around a value and around all.
  (text, chance) => replaceMatch(text, SCALAR, chance, (value) => nested(value, below(chance, 20))),
  (text, chance) => nested(text, chance() < 0.8 ? below(chance, 4) : below(chance, 200)),
  // As it was: a frame that came twice.
  (text) => text,
];

/** Mutations that mostly break it. */
const BREAKING: readonly Mutation[] = [
  // Truncation at both ends.
  (text, chance) => text.slice(0, below(chance, text.length + 1)),
  (text, chance) => text.slice(below(chance, text.length + 1)),
  // Characters left out, put in and doubled.
  (text, chance) => splice(text, below(chance, text.length + 1), 1 + below(chance, 4), ""),
  (text, chance) =>
    splice(text, below(chance, text.length + 1), 0, oneOf(chance, [...'{}[],:"\\ 0-.eE\n\u0000é\u2028'])),
  (text, chance) => {
    const from = below(chance, text.length + 1);
    const part = text.slice(from, from + below(chance, 60));
    return splice(text, from, 0, part);
  },
  // The head of one frame and the tail of another.
  (text, chance, other) => text.slice(0, below(chance, text.length + 1)) + other.slice(below(chance, other.length + 1)),
];

function replaceMatch(
  text: string,
  isWanted: (token: string) => boolean,
  chance: Chance,
  make: (found: string) => string,
): string {
  const found = [...text.matchAll(TOKEN)].filter(([token]) => isWanted(token));
  if (found.length === 0) return text;
  const { 0: value, index } = oneOf(chance, found);
  return splice(text, index, value.length, make(value));
}

function splice(text: string, at: number, remove: number, insert: string): string {
  return text.slice(0, at) + insert + text.slice(at + remove);
}

function nested(value: string, depth: number): string {
  return "[".repeat(depth) + value + "]".repeat(depth);
}

/**
 * A frame changed one to four times as text: two of three stay JSON with other values, keys and nesting; the others are
 * cut and torn, and may have some bytes flipped. Never longer than 64 KiB.
 */
export function mutateFrame(frame: Uint8Array, other: Uint8Array, chance: Chance): Uint8Array {
  const isTorn = chance() < 0.33;
  const mutations = isTorn ? [...STRUCTURED, ...BREAKING, ...BREAKING] : STRUCTURED;
  let text = new TextDecoder().decode(frame);
  const otherText = new TextDecoder().decode(other);
  for (let times = 1 + below(chance, 4); times > 0; times--) {
    text = oneOf(chance, mutations)(text, chance, otherText).slice(0, 65_536);
  }
  const bytes = new TextEncoder().encode(text);
  if (isTorn && chance() < 0.4) flipBytes(bytes, chance);
  return bytes;
}

function flipBytes(bytes: Uint8Array, chance: Chance): void {
  if (bytes.length === 0) return;
  for (let flips = 1 + below(chance, 4); flips > 0; flips--) {
    bytes[below(chance, bytes.length)] = chance() < 0.5
      ? below(chance, 256)
      : oneOf(chance, [0x22, 0x5c, 0xff, 0xc0, 0xed, 0]);
  }
}
