import { Command } from "commander";
import { type Certificate, chartOf, readCertificates, renderChart, renderSvg } from "../certificate/mod.ts";
import { Failure } from "../model/mod.ts";
import { UsageError } from "../service/mod.ts";
import { archivesIn } from "./certify.ts";
import { type CliContext, EXIT } from "./context.ts";
import { readDay } from "./time_option.ts";

interface CoverageOptions {
  readonly svg?: string;
  readonly by: string;
  readonly exchange?: string;
  readonly channel?: string;
  readonly symbol?: string;
  readonly from?: string;
  readonly to?: string;
  readonly json?: boolean;
}

/** `coverage`: draws days × streams from certificates. */
export function coverageCommand(context: CliContext): Command {
  return new Command("coverage")
    .description("Draw how complete each stream is on each day, from the certificates of an archive")
    .argument("<dir>", "folder of a parquet, ndjson or csv sink with certificates, or the data folder above")
    .option("--svg <file>", "write the drawing as SVG instead")
    .option("--by <what>", "rows: stream, or channel with the mean of its streams", "stream")
    .option("--exchange <name>", "only this exchange instance")
    .option("--channel <name>", "only this channel, such as trades")
    .option("--symbol <symbol>", "only this symbol, such as BTC/USDT")
    .option("--from <day>", "first day, such as 2026-11-22")
    .option("--to <day>", "last day")
    .option("--json", "print the shares as JSON")
    .addHelpText("after", HELP)
    .action((dir: string, options: CoverageOptions) => coverage(context, dir, options));
}

const HELP = `
A full block is a complete day, a dot a day without any
coverage, a blank a day without a certificate. The command
certify writes certificates.`;

async function coverage(context: CliContext, dir: string, options: CoverageOptions): Promise<void> {
  const { host } = context;
  if (options.by !== "stream" && options.by !== "channel") {
    throw new UsageError(`--by takes stream or channel, not ${options.by}`);
  }
  const [from, to] = [readDay("--from", options.from), readDay("--to", options.to)];
  const certificates: Certificate[] = [];
  for (const archive of await archivesIn(context, dir)) {
    for (const certificate of await readCertificates(host.files, archive)) {
      const { exchange, date } = certificate;
      if (options.exchange !== undefined && exchange !== options.exchange) continue;
      if ((from !== null && date < from) || (to !== null && date > to)) continue;
      const streams = certificate.streams.filter(({ channel, symbol }) =>
        (options.channel === undefined || channel === options.channel) &&
        (options.symbol === undefined || symbol === options.symbol)
      );
      certificates.push({ ...certificate, streams });
    }
  }
  const chart = chartOf(certificates, { bySymbol: options.by === "stream" });
  if (chart.rows.length === 0) {
    throw new Failure("file", `Cannot draw ${dir}: no certificate has such a stream and day`, { retry: false });
  }
  if (options.svg !== undefined) {
    await host.files.writeAtomic(options.svg, new TextEncoder().encode(renderSvg(chart)));
    host.terminal.print(`${chart.rows.length} rows and ${chart.days.length} days drawn in ${options.svg}`);
  } else if (options.json === true) host.terminal.print(JSON.stringify(chart, null, 2));
  else host.terminal.print(renderChart(chart, host.terminal.columns()));
  context.finish(EXIT.fine);
}
