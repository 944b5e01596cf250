import { Command } from "commander";
import { compactArchive, type CompactResult } from "../lake/mod.ts";
import { showCount } from "../text/mod.ts";
import { type CliContext, EXIT } from "./context.ts";
import { interruptible } from "./interruptible.ts";
import { withBytesBar } from "./progress.ts";
import { renewCertificates } from "./renew_certificates.ts";

/** `compact`: merges small Parquet files of closed hours and days. */
export function compactCommand(context: CliContext): Command {
  return new Command("compact")
    .description("Merge the Parquet files of every closed hour and day into one, sorted and compared row by row")
    .argument("<dir>", "folder of a Parquet sink, or the data folder above it")
    .option("--key <file>", "sign renewed certificates with this Ed25519 key (PEM)")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action((dir: string, options: CompactCommandOptions) => compact(context, dir, options));
}

interface CompactCommandOptions {
  readonly json?: boolean;
  readonly key?: string;
}

const HELP = `
A running collector does this by itself, unless its sink has
compact = false; both may run at the same time. Damaged
files and files of other programs are reported and left
alone. It may be interrupted at any time: the next call goes
on, and no row is lost. Certificates of merged days are
written anew, signed ones only with --key.`;

async function compact(context: CliContext, dir: string, { json, key }: CompactCommandOptions): Promise<void> {
  const { host } = context;
  const archive = await archiveDir(context, dir);
  const result = await interruptible(host, "Interrupted: files merged so far stay merged", async (pause) => {
    const tell = (text: string) => host.terminal.printError(text);
    const merged = await withBytesBar(
      host,
      (onProgress) => compactArchive({ host, dir: archive, pause, tell, onProgress }),
    );
    if (merged.groups > 0) await renewCertificates(context, archive, key);
    return merged;
  });
  host.terminal.print(json === true ? JSON.stringify(result, null, 2) : summary(archive, result));
  context.finish(EXIT.fine);
}

async function archiveDir({ host }: CliContext, dir: string): Promise<string> {
  const inner = `${dir}/parquet`;
  return (await host.files.stat(inner))?.isDirectory === true ? inner : dir;
}

function summary(dir: string, result: CompactResult): string {
  if (result.groups === 0) return `Nothing to merge in ${dir}`;
  const { filesBefore, filesAfter, bytesBefore, bytesAfter, rows } = result;
  return `Merged ${showCount(filesBefore)} files (${showCount(bytesBefore)} bytes) into ${showCount(filesAfter)} ` +
    `(${showCount(bytesAfter)} bytes), ${showCount(rows)} rows compared`;
}
