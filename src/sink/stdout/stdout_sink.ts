import type { Host } from "../../host/mod.ts";
import { Failure, type Offset } from "../../model/mod.ts";
import { eventJson } from "../event_json.ts";
import type { Sink, SinkBatch } from "../sink.ts";

/** Characters buffered before they are written to the stream. */
const CHUNK_CHARS = 64 * 1024;

/**
 * Writes one JSON event per line to standard output, at least once, because printed lines cannot be taken back. `write`
 * resolves when the reader has read the lines, so that a slow reader slows the sink. A reader that has gone does not
 * come back.
 */
export class StdoutSink implements Sink {
  readonly files = null;
  readonly wantsFlush = false;
  readonly #host: Pick<Host, "terminal">;
  readonly #collector: string | null;

  constructor({ host, collector }: { readonly host: Pick<Host, "terminal">; readonly collector: string | null }) {
    this.#host = host;
    this.#collector = collector;
  }

  open(committed: Offset): Promise<Offset> {
    return Promise.resolve(committed);
  }

  async write({ events }: SinkBatch, signal: AbortSignal): Promise<void> {
    let text = "";
    for (const envelope of events) {
      text += `${eventJson(envelope, this.#collector)}\n`;
      if (text.length < CHUNK_CHARS) continue;
      await this.#print(text, signal);
      text = "";
    }
    if (text !== "") await this.#print(text, signal);
  }

  flush(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #print(text: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    try {
      await this.#host.terminal.writeStdout(new TextEncoder().encode(text));
    } catch (cause) {
      if (cause instanceof Failure) throw cause;
      throw new Failure("sink", `Cannot write to standard output: ${describe(cause)}`, { cause });
    }
  }
}

function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
