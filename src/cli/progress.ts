import cliProgress from "cli-progress";
import type { Host } from "../host/mod.ts";
import { wantsColor } from "./context.ts";

/** A bar on standard error, where that is a terminal; null elsewhere. `total` is what 100 % stands for. */
export function progressBar(host: Host, total: number): cliProgress.SingleBar | null {
  if (!host.terminal.stderrIsTerminal || !wantsColor(host, "stderr")) return null;
  const bar = new cliProgress.SingleBar({
    format: "{bar} {percentage}%  {rate}  {eta_formatted} left",
    hideCursor: true,
    clearOnComplete: true,
  }, cliProgress.Presets.shades_classic);
  bar.start(Math.max(1, total), 0, { rate: "" });
  return bar;
}
