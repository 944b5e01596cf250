import { Command } from "commander";
import {
  archiveFormat,
  certifyArchive,
  checkCertificates,
  type CheckResult,
  journalPlans,
  readPublicKey,
  readSigningKey,
} from "../certificate/mod.ts";
import { journalFolder } from "../journal/mod.ts";
import { Failure } from "../model/mod.ts";
import { UsageError } from "../service/mod.ts";
import { showCount } from "../text/mod.ts";
import { type CliContext, EXIT } from "./context.ts";
import { interruptible } from "./interruptible.ts";
import { progressBar } from "./progress.ts";
import { readDay } from "./time_option.ts";

interface CertifyCommandOptions {
  readonly check?: boolean;
  readonly key?: string;
  readonly publicKey?: string;
  readonly journal?: string;
  readonly exchange?: string;
  readonly from?: string;
  readonly to?: string;
  readonly json?: boolean;
}

/** `certify`: writes certificates of an archive, or verifies them. */
export function certifyCommand(context: CliContext): Command {
  return new Command("certify")
    .description(
      "Write certificates of what is complete and missing for every exchange, stream and day, or verify them",
    )
    .argument("<dir>", "folder of a parquet, ndjson or csv sink, or the data folder above")
    .option("--check", "compare files, signatures and chain with the certificates; exit 1 on any difference")
    .option("--key <file>", "sign with this Ed25519 key (PEM, openssl genpkey -algorithm ed25519)")
    .option("--public-key <file>", "with --check: require every certificate to be signed with this key (PEM or base64)")
    .option("--journal <dir>", "take plans and hash chain from this journal or raw archive; with --check: compare them")
    .option("--exchange <name>", "only this exchange instance")
    .option("--from <day>", "first day, such as 2026-11-22")
    .option("--to <day>", "last day")
    .option("--json", "print JSON")
    .addHelpText("after", HELP)
    .action((dir: string, options: CertifyCommandOptions) =>
      options.check === true ? check(context, dir, options) : certify(context, dir, options)
    );
}

const HELP = `
Certificates are JSON files in the folder _certificates, one
for each exchange and day, with an entry for each stream:
docs/certificates.md. A collector writes them by itself when
a day is over, unless [run] says certificates = false.`;

async function certify(context: CliContext, dir: string, options: CertifyCommandOptions): Promise<void> {
  const { host } = context;
  if (options.publicKey !== undefined) throw new UsageError("--public-key goes with --check; --key signs");
  const key = options.key === undefined ? null : await readSigningKey(await textOf(context, options.key), options.key);
  const [from, to] = [readDay("--from", options.from), readDay("--to", options.to)];
  const journalDir = options.journal === undefined ? null : await journalFolder(host.files, options.journal);
  const results: unknown[] = [];
  let failed = 0;
  await interruptible(host, "Interrupted: certificates written so far stay", async (pause) => {
    const plans = journalDir === null ? [] : await journalPlans(host.files, journalDir, pause);
    for (const archive of await archivesIn(context, dir)) {
      const bar = progressBar(host, 1);
      try {
        const result = await certifyArchive({
          host,
          dir: archive,
          key,
          journalDir,
          plans,
          wants: (exchange, date) =>
            (options.exchange === undefined || exchange === options.exchange) && (from === null || date >= from) &&
            (to === null || date <= to),
          onlyNews: false,
          onlySafe: false,
          pause,
          tell: (text) => host.terminal.printError(text),
          onProgress: ({ doneBytes, totalBytes }) => {
            bar?.setTotal(Math.max(1, totalBytes));
            bar?.update(doneBytes, { rate: `${showCount(doneBytes)} bytes` });
          },
        });
        failed += result.failed;
        results.push({ dir: archive, ...result });
        if (options.json === true) continue;
        const days = new Set(result.days.map(({ date }) => date));
        host.terminal.print(
          `${archive}: ${showCount(result.written)} certificates of ${showCount(days.size)} days written` +
            (key === null ? "" : ", signed"),
        );
      } finally {
        bar?.stop();
      }
    }
  });
  if (options.json === true) host.terminal.print(JSON.stringify(results, null, 2));
  context.finish(failed === 0 ? EXIT.fine : EXIT.failed);
}

async function check(context: CliContext, dir: string, options: CertifyCommandOptions): Promise<void> {
  const { host } = context;
  if (options.key !== undefined) throw new UsageError("--key signs; --check takes --public-key");
  const publicKey = options.publicKey === undefined
    ? null
    : readPublicKey(await textOf(context, options.publicKey), options.publicKey);
  const journalDir = options.journal === undefined ? null : await journalFolder(host.files, options.journal);
  const results: (CheckResult & { readonly dir: string })[] = [];
  await interruptible(host, "Interrupted: nothing was changed", async (pause) => {
    for (const archive of await archivesIn(context, dir)) {
      const bar = progressBar(host, 1);
      try {
        const onProgress = (progress: { readonly doneBytes: number; readonly totalBytes: number }) => {
          bar?.setTotal(Math.max(1, progress.totalBytes));
          bar?.update(progress.doneBytes, { rate: `${showCount(progress.doneBytes)} bytes` });
        };
        results.push({
          dir: archive,
          ...await checkCertificates({ host, dir: archive, journalDir, publicKey, pause, onProgress }),
        });
      } finally {
        bar?.stop();
      }
    }
  });
  const isFine = results.every(({ differences, certificates }) => differences.length === 0 && certificates > 0);
  if (options.json === true) host.terminal.print(JSON.stringify(results, null, 2));
  else for (const result of results) printCheck(context, result);
  context.finish(isFine ? EXIT.fine : EXIT.failed);
}

function printCheck({ host }: CliContext, result: CheckResult & { readonly dir: string }): void {
  for (const difference of result.differences) host.terminal.printError(`error: ${difference}`);
  if (result.certificates === 0) return host.terminal.printError(`error: ${result.dir} has no certificates`);
  const { certificates, signed, files, links, differences } = result;
  host.terminal.print(
    `${result.dir}: ${showCount(certificates)} certificates (${showCount(signed)} signed), ${
      showCount(files)
    } files, ` +
      `${showCount(links)} journal segments compared: ` +
      (differences.length === 0 ? "all as certified" : `${showCount(differences.length)} differences`),
  );
}

/** Returns the archives in a data folder, or the folder itself if it is an archive. */
export async function archivesIn({ host }: CliContext, dir: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of ["parquet", "ndjson", "csv"]) {
    if ((await host.files.stat(`${dir}/${name}`))?.isDirectory !== true) continue;
    try {
      await archiveFormat(host.files, `${dir}/${name}`);
      found.push(`${dir}/${name}`);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
    }
  }
  if (found.length > 0) return found;
  await archiveFormat(host.files, dir);
  return [dir];
}

async function textOf({ host }: CliContext, path: string): Promise<string> {
  const text = await host.files.readText(path);
  if (text === null) throw new Failure("file", `Cannot open ${path}: no such file`, { retry: false });
  return text;
}
