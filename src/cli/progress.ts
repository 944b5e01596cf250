import cliProgress from "cli-progress";
import type { Host } from "../host/mod.ts";
import { showCount } from "../text/mod.ts";
import { wantsColor } from "./context.ts";

/** Progress in bytes of the input. */
export interface BytesDone {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

/** Runs work with a progress bar of bytes; removes the bar when the work ends. */
export async function withBytesBar<T>(
  host: Host,
  work: (onProgress: (done: BytesDone) => void) => Promise<T>,
): Promise<T> {
  const bar = progressBar(host, 1);
  try {
    return await work(({ doneBytes, totalBytes }) => {
      bar?.setTotal(Math.max(1, totalBytes));
      bar?.update(doneBytes, { rate: `${showCount(doneBytes)} bytes` });
    });
  } finally {
    bar?.stop();
  }
}

/** Makes a bar on standard error; null if that is no terminal. `total` stands for 100 %. */
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
