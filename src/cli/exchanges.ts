import { Command } from "commander";
import { describeDescriptor, type DescriptorAbout } from "../config/mod.ts";
import { FAMILIES, type Family, parseCanonicalSymbol } from "../model/mod.ts";
import { findDescriptor, loadDescriptorNamed, shippedDescriptor, shippedNames } from "../service/mod.ts";
import { renderTable } from "../text/mod.ts";
import { type CliContext, commandLine } from "./context.ts";

interface ExchangesOptions {
  readonly descriptor?: boolean;
  readonly json?: boolean;
}

/** `exchanges`: lists the shipped descriptors, or shows one. */
export function exchangesCommand(context: CliContext): Command {
  return new Command("exchanges")
    .description("List the known exchanges; with a name: show what its descriptor offers")
    .argument("[name]", "a shipped descriptor by name, or the path of one")
    .option("--descriptor", "print the descriptor itself, to copy and change")
    .option("--json", "print as JSON")
    .action((name: string | undefined, options: ExchangesOptions) => {
      const { host: { terminal } } = context;
      if (name === undefined) {
        const all = shippedNames(context).flatMap((one) => aboutShipped(context, one) ?? []);
        terminal.print(options.json === true ? JSON.stringify(all, null, 2) : renderAll(context, all));
        return;
      }
      const file = findDescriptor(context, name);
      if (options.descriptor === true) {
        terminal.print(file.text.trimEnd());
        return;
      }
      const mapped = mappedSymbols(context, name);
      const described = describeDescriptor(file);
      const about = described === null ? null : withMapped(described, mapped);
      const symbols = [...mapped.values()];
      if (options.json === true) terminal.print(JSON.stringify({ ...about, symbols }, null, 2));
      else terminal.print(about === null ? brokenText(context, name) : renderOne(context, { about, name, symbols }));
    });
}

function aboutShipped(context: CliContext, name: string): DescriptorAbout | null {
  const file = shippedDescriptor(context, name);
  const about = file === null ? null : describeDescriptor(file);
  // A configuration names a shipped descriptor by its file.
  return about === null ? null : withMapped({ ...about, name }, mappedSymbols(context, name));
}

/** Adds the families of the symbols in the descriptor's map. */
function withMapped(about: DescriptorAbout, symbols: ReadonlyMap<Family, string>): DescriptorAbout {
  return { ...about, families: FAMILIES.filter((one) => about.families.includes(one) || symbols.has(one)) };
}

function renderAll(context: CliContext, all: readonly DescriptorAbout[]): string {
  const rows = all.map(({ name, families, channels, verified, closed }) => [
    name,
    families.join(" "),
    channels.join(" "),
    closed === null ? verified ?? "" : `closed ${closed}`,
  ]);
  return [
    renderTable(["exchange", "families", "channels", "last checked"], rows),
    "",
    `${all.length} exchanges. ${commandLine(context.host, "exchanges NAME")} shows one; a configuration names it ` +
    'descriptor_path = "builtin:NAME".',
  ].join("\n");
}

function brokenText(context: CliContext, name: string): string {
  return `${name} has mistakes: ${commandLine(context.host, "validate")} of a configuration that uses it shows them`;
}

function renderOne(
  context: CliContext,
  { about, name, symbols }: { about: DescriptorAbout; name: string; symbols: readonly string[] },
): string {
  const lines = [about.text === "" ? name : `${name}: ${about.text}`, ""];
  if (about.closed !== null) lines.push(`It ceased on ${about.closed}: the descriptor is for recordings.`, "");
  lines.push(`families   ${about.families.join(", ")}`, `channels   ${about.channels.join(", ")}`);
  if (about.docs !== null) lines.push(`documents  ${about.docs}`);
  if (about.verified !== null) lines.push(`checked    ${about.verified}`);
  if (about.args.length > 0) {
    lines.push("", "Arguments, for [exchange.overrides]:");
    const rows = about.args.map((arg) => [arg.name, JSON.stringify(arg.value), arg.meaning]);
    lines.push(renderTable(["argument", "default", "meaning"], rows));
  }
  if (about.notes.length > 0) lines.push("", ...about.notes.map((note) => `- ${note}`));
  const path = shippedNames(context).includes(name) ? `builtin:${name}` : name;
  lines.push(
    "",
    "In a configuration:",
    "",
    "[[exchange]]",
    `name = "${about.name}"`,
    `descriptor_path = "${path}"`,
    `symbols = ${JSON.stringify(symbols.length > 0 ? symbols : ["BTC/USDT"])}`,
    `channels = ${JSON.stringify(about.channels)}`,
  );
  return lines.join("\n");
}

/** Returns one symbol of each family in the descriptor's map; empty if only the instrument list has symbols. */
function mappedSymbols(context: CliContext, name: string): ReadonlyMap<Family, string> {
  const { frames } = loadDescriptorNamed(context, name);
  const samples = new Map<Family, string>();
  for (const { canonical } of frames?.connections ?? []) {
    for (const symbol of Object.values(canonical)) {
      const family = parseCanonicalSymbol(symbol)?.family;
      if (family !== undefined && !samples.has(family)) samples.set(family, symbol);
    }
  }
  return samples;
}
