import { Command } from "commander";
import { compactArchive, type CompactResult } from "../lake/mod.ts";
import { Failure } from "../model/mod.ts";
import { showCount } from "../text/mod.ts";
import { type CliContext, EXIT } from "./context.ts";
import { progressBar } from "./progress.ts";
import { renewCertificates } from "./renew_certificates.ts";

/** `compact`: small Parquet files of closed hours and days become one. */
export function compactCommand(context: CliContext): Command {
  return new Command("compact")
    .description("Merge the Parquet files of every hour and day that is over into one, sorted and compared row by row")
    .argument("<dir>", "folder of a Parquet sink, or the data folder above it")
    .option("--key <file>", "sign the certificates that are renewed with this Ed25519 key (PEM)")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action((dir: string, options: CompactCommandOptions) => compact(context, dir, options));
}

interface CompactCommandOptions {
  readonly json?: boolean;
  readonly key?: string;
}

const HELP = `
A collector does this by itself while it runs (compact =
false of its sink keeps it from it), and both may go on at
the same time. Files that are damaged or that another
program wrote are told and left as they are. Whenever it
is ended, the next call goes on, and no row is lost.
Certificates of days whose files were merged are written
anew; those that are signed with --key alone.`;

async function compact(context: CliContext, dir: string, { json, key }: CompactCommandOptions): Promise<void> {
  const { host } = context;
  const archive = await archiveDir(context, dir);
  const abort = new AbortController();
  const interrupt = () => abort.abort();
  host.signals.on("SIGINT", interrupt);
  host.signals.on("SIGTERM", interrupt);
  const bar = progressBar(host, 1);
  try {
    const result = await compactArchive({
      host,
      dir: archive,
      pause: async () => {
        await host.clock.sleep(0);
        if (abort.signal.aborted) throw new Failure("cancelled", "Interrupted: what was merged so far stays");
      },
      tell: (text) => host.terminal.printError(text),
      onProgress: ({ doneBytes, totalBytes }) => {
        bar?.setTotal(Math.max(1, totalBytes));
        bar?.update(doneBytes, { rate: `${showCount(doneBytes)} bytes` });
      },
    });
    bar?.stop();
    if (result.groups > 0) await renewCertificates(context, archive, key);
    host.terminal.print(json === true ? JSON.stringify(result, null, 2) : summary(archive, result));
    context.finish(EXIT.fine);
  } finally {
    bar?.stop();
    host.signals.off("SIGINT", interrupt);
    host.signals.off("SIGTERM", interrupt);
  }
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
