import type { Host } from "../../host/mod.ts";
import { type Envelope, type EventKind, Failure, type Offset } from "../../model/mod.ts";
import { eventJson } from "../event_json.ts";
import type { Sink } from "../sink.ts";

/** Characters gathered before they are handed to the stream. */
const CHUNK_CHARS = 64 * 1024;

/**
 * One JSON event a line on standard output. `write` resolves when the reader has taken the lines, so a slow one pushes
 * back. What was printed cannot be taken back: at least once. A reader that has gone is a failure not worth a retry.
 */
export class StdoutSink implements Sink {
  readonly type = "stdout";
  readonly name: string;
  readonly files = null;
  readonly #host: Host;
  readonly #kinds: ReadonlySet<EventKind> | null;
  #hasUncommitted = false;

  constructor(plan: { readonly name: string; readonly kinds: readonly EventKind[] | null }, host: Host) {
    this.name = plan.name;
    this.#host = host;
    this.#kinds = plan.kinds === null ? null : new Set(plan.kinds);
  }

  open(_from: Offset): Promise<void> {
    this.#hasUncommitted = false;
    return Promise.resolve();
  }

  async write(batch: readonly Envelope[]): Promise<void> {
    if (batch.length > 0) this.#hasUncommitted = true;
    let text = "";
    for (const envelope of batch) {
      if (this.#kinds !== null && !this.#kinds.has(envelope.event.kind)) continue;
      text += `${eventJson(envelope)}\n`;
      if (text.length < CHUNK_CHARS) continue;
      await this.#print(text);
      text = "";
    }
    if (text !== "") await this.#print(text);
  }

  /** Everything printed is out: its position may be committed at once. */
  wantsFlush(_nowMs: number): boolean {
    return this.#hasUncommitted;
  }

  flush(): Promise<void> {
    this.#hasUncommitted = false;
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #print(text: string): Promise<void> {
    try {
      await this.#host.terminal.writeStdout(new TextEncoder().encode(text));
    } catch (cause) {
      throw new Failure("sink", `Cannot write to standard output: ${describe(cause)}`, { cause, retry: false });
    }
  }
}

function describe(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
