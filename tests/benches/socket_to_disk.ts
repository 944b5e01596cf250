import type { CollectorReport, SenderReady } from "./wire.ts";

/** Sender and collector, each a process of its own, so that memory and CPU time are those of the collector alone. */
export async function measureSocketToDisk(frames: number): Promise<CollectorReport> {
  const sender = startScript("sender.ts", [String(frames)]);
  try {
    const { exchange, port } = await readLine<SenderReady>(sender.stdout);
    const collector = startScript("collector.ts", [exchange, String(port), String(frames)]);
    const report = await readLine<CollectorReport>(collector.stdout);
    const { code } = await collector.status;
    if (code !== 0) throw new Error(`The collector ended with code ${code}`);
    return report;
  } finally {
    sender.kill("SIGKILL");
    await sender.status;
  }
}

function startScript(name: string, args: readonly string[]): Deno.ChildProcess {
  const permissions = ["--no-prompt", "--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-sys"];
  const script = new URL(name, import.meta.url).href;
  return new Deno.Command(Deno.execPath(), {
    args: ["run", ...permissions, script, ...args],
    stdout: "piped",
  }).spawn();
}

/** The first line of a stream, which is JSON. */
async function readLine<T>(stream: ReadableStream<Uint8Array>): Promise<T> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream.values({ preventCancel: true })) {
    text += decoder.decode(chunk, { stream: true });
    const end = text.indexOf("\n");
    if (end >= 0) return JSON.parse(text.slice(0, end)) as T;
  }
  throw new Error(`The process ended without a report: ${text}`);
}
