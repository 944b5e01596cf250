import type { Files } from "../../src/host/mod.ts";
import { Failure } from "../../src/model/mod.ts";
import { deriveAll } from "./journal_contents.ts";

/** Streams of each exchange in the demo. */
const STREAMS = 10;
const LOOK_MS = 100;

/** Looks again and again until a demo has events of every stream in its journal. */
export async function untilDemoHasAll(files: Files, dataDir: string): Promise<void> {
  while (!await hasAll(files, dataDir)) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
}

/** Returns whether each exchange of a demo has events of every stream in its journal. */
export async function hasAll(files: Files, dataDir: string): Promise<boolean> {
  const streams = new Map<string, Set<string>>();
  try {
    for await (const { exchange, symbol, event } of deriveAll(files, `${dataDir}/journal`)) {
      if (event.kind === "gap") continue;
      const known = streams.get(exchange) ?? new Set();
      streams.set(exchange, known.add(`${symbol} ${event.kind.replace(/^book_.*/, "book")}`));
    }
  } catch (error) {
    // There is no journal yet.
    if (error instanceof Failure && error.code === "file") return false;
    throw error;
  }
  return streams.size === 3 && [...streams.values()].every(({ size }) => size >= STREAMS);
}
