/**
 * Returns plain data as canonical JSON: keys sorted by UTF-16 code units, no white space. Equal data gives equal text,
 * whatever the order of its keys. Throws if the data is not plain (a map, a function, a bigint): that is a bug of the
 * caller.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value));
}

function sorted(value: unknown): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      if (Number.isFinite(value)) return value;
      break;
    case "object":
      if (value === null) return null;
      if (Array.isArray(value)) return value.map(sorted);
      if (isPlain(value)) return sortedObject(value);
  }
  throw new Error(`Not plain data: ${Object.prototype.toString.call(value)}`);
}

function sortedObject(value: object): object {
  const entries = Object.entries(value).sort(([left], [right]) => left < right ? -1 : 1);
  return Object.fromEntries(entries.map(([key, member]) => [key, sorted(member)]));
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
