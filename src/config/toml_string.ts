/**
 * For the source text of a TOML string, delimiters included: where each UTF-16 unit of the decoded text begins in the
 * source, and behind the last one where the decoded text ends. Knows the four kinds of strings, the newline right behind
 * an opening `'''` or `"""`, the line-ending backslash, and the escapes of TOML 1.1. The text has to be a valid string.
 */
export function sourceOffsets(source: string): readonly number[] {
  const quote = source[0];
  const isMultiline = source.startsWith(quote.repeat(3)) && source.length >= 6;
  const delimiter = isMultiline ? 3 : 1;
  const end = source.length - delimiter;
  const offsets: number[] = [];
  let at = delimiter;
  if (isMultiline) at += newlineLength(source, at);
  while (at < end) {
    if (quote === '"' && source[at] === "\\") {
      const escape = escapeAt(source, at, end);
      for (let unit = 0; unit < escape.units; unit++) offsets.push(at);
      at += escape.length;
      continue;
    }
    offsets.push(at++);
  }
  offsets.push(end);
  return offsets;
}

function newlineLength(source: string, at: number): number {
  if (source[at] === "\n") return 1;
  return source[at] === "\r" && source[at + 1] === "\n" ? 2 : 0;
}

/** Length of an escape in the source, and how many UTF-16 units it stands for. */
function escapeAt(source: string, at: number, end: number): { readonly length: number; readonly units: number } {
  switch (source[at + 1]) {
    case "x":
      return { length: 4, units: 1 };
    case "u":
      return { length: 6, units: 1 };
    case "U":
      return { length: 10, units: parseInt(source.slice(at + 2, at + 10), 16) > 0xffff ? 2 : 1 };
    case " ":
    case "\t":
    case "\r":
    case "\n": {
      let next = at + 1;
      while (next < end && " \t\r\n".includes(source[next])) next++;
      return { length: next - at, units: 0 };
    }
    default:
      return { length: 2, units: 1 };
  }
}
