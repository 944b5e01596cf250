import { type Channel, CHANNELS, FAMILIES, type Family } from "../model/mod.ts";
import { type FoundFile, readDescriptorFile } from "./descriptor_file.ts";
import type { DescriptorValues } from "./schema_descriptor.ts";

/** A parameter that instances may replace in `[exchange.overrides]`. */
export interface DescribedArg {
  readonly name: string;
  readonly value: string;
  /** The comment behind it; empty where there is none. */
  readonly meaning: string;
}

/** What a descriptor says of itself to somebody who wants to use it. */
export interface DescriptorAbout {
  readonly name: string;
  /** The comment that the file begins with; empty where it begins with none. */
  readonly text: string;
  readonly docs: string | null;
  /** Day of the last check, YYYY-MM-DD; null where none is given. */
  readonly verified: string | null;
  /** Day on which the exchange ceased, YYYY-MM-DD; null where it goes on. */
  readonly closed: string | null;
  readonly notes: readonly string[];
  readonly channels: readonly Channel[];
  /** Families that its connections name; those of its symbol map come beside them. */
  readonly families: readonly Family[];
  readonly args: readonly DescribedArg[];
}

/** Returns what a descriptor says of itself; null where it has mistakes. */
export function describeDescriptor(file: FoundFile): DescriptorAbout | null {
  const { values } = readDescriptorFile(file, null);
  if (values === null) return null;
  const { name, docs, verified, closed, notes } = values.meta;
  return {
    name,
    text: headComment(file.text),
    docs: docs ?? null,
    verified: verified ?? null,
    closed: closed ?? null,
    notes,
    channels: channelsOf(values),
    families: familiesOf(values),
    args: Object.entries(values.args).map(([arg, value]) => ({
      name: arg,
      value,
      meaning: argComment(file.text, arg),
    })),
  };
}

function channelsOf({ maps, rest, events }: DescriptorValues): readonly Channel[] {
  const named = maps.channel_map === undefined ? null : Object.keys(maps.channel_map);
  const polled = (rest?.requests ?? []).map(({ channel }) => channel);
  return CHANNELS.filter((channel) =>
    polled.includes(channel) || (channel === "instruments" && (rest?.instruments.length ?? 0) > 0) ||
    (named?.includes(channel) ?? events.some((event) => event.channel === channel))
  );
}

function familiesOf({ ws }: DescriptorValues): readonly Family[] {
  const named = ws.connections.flatMap(({ families }) => families ?? []);
  return FAMILIES.filter((family) => named.includes(family));
}

/** The first comment of a file without its marks, as one paragraph. */
function headComment(text: string): string {
  const lines = text.split("\n");
  const end = lines.findIndex((line) => !line.startsWith("#"));
  const comment = lines.slice(0, end === -1 ? lines.length : end).filter((line) => !line.startsWith("#:"));
  return comment.map((line) => line.replace(/^#\s?/, "")).join(" ").trim();
}

/** The comment behind a key of `[args]`. */
function argComment(text: string, arg: string): string {
  const table = /^\[args\][^\n]*\n((?:(?!\[)[^\n]*\n)*)/m.exec(text)?.[1] ?? "";
  for (const line of table.split("\n")) {
    const [, key, behind] = /^\s*(?:"([^"]+)"|([\w-]+))\s*=/.exec(line) ?? [];
    if ((key ?? behind) !== arg) continue;
    return /^[^#"']*(?:"(?:[^"\\]|\\.)*"|'[^']*')?[^#"']*#\s*(.*)$/.exec(line.slice(line.indexOf("=")))?.[1]?.trim() ??
      "";
  }
  return "";
}
