/** What a YAML document of this subset holds: scalars are their texts. */
export type Yaml = string | null | readonly Yaml[] | { readonly [key: string]: Yaml };

interface Line {
  readonly number: number;
  readonly indent: number;
  readonly text: string;
}

/**
 * Reads the YAML that workflow files are written in here: maps and lists by indentation, plain and double-quoted scalars,
 * comments on lines of their own. Throws for anything else, with its line.
 */
export function parseYaml(text: string): Yaml {
  const lines = text.split("\n").flatMap((raw, index): Line[] => {
    const body = raw.trim();
    if (body === "" || body.startsWith("#")) return [];
    if (raw.includes("\t")) throw new SyntaxError(`A tab in line ${index + 1}`);
    return [{ number: index + 1, indent: raw.length - raw.trimStart().length, text: body }];
  });
  const [value, rest] = block(lines);
  if (rest.length > 0) throw new SyntaxError(`Not indented as the lines around it: line ${rest[0].number}`);
  return value;
}

/** Reads the block that begins with the first line, and gives the lines behind it. */
function block(lines: readonly Line[]): readonly [Yaml, readonly Line[]] {
  if (lines.length === 0) return [null, []];
  const { indent, text } = lines[0];
  const isList = text.startsWith("- ");
  const list: Yaml[] = [];
  const map: Record<string, Yaml> = {};
  let rest = lines;
  while (rest.length > 0 && rest[0].indent === indent && rest[0].text.startsWith("- ") === isList) {
    const [line, ...behind] = rest;
    if (isList) {
      const inner = { ...line, indent: indent + 2, text: line.text.slice(2) };
      const [value, after] = KEY.test(inner.text) ? block([inner, ...behind]) : [scalar(inner), behind];
      list.push(value);
      rest = after;
      continue;
    }
    const [, key, inline = ""] = KEY.exec(line.text) ?? [];
    if (key === undefined) throw new SyntaxError(`No key: line ${line.number}`);
    if (inline !== "") {
      map[key] = scalar({ ...line, text: inline });
      rest = behind;
    } else if (behind.length > 0 && behind[0].indent > indent) [map[key], rest] = block(behind);
    else {
      map[key] = null;
      rest = behind;
    }
  }
  return [isList ? list : map, rest];
}

const KEY = /^([\w-]+):(?: (.*))?$/;

function scalar({ text, number }: Line): string {
  if (/^"(?:[^"\\]|\\.)*"$/.test(text)) return JSON.parse(text);
  if (/^[&*!|>%@`'"[{]/.test(text) || / #|: /.test(text)) throw new SyntaxError(`Not read here: line ${number}`);
  return text;
}
