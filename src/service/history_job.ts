import type { Clock } from "../host/mod.ts";
import { Failure, type HistoryJobStatus, type Plan } from "../model/mod.ts";
import type { Collector } from "../runtime/mod.ts";
import { type HistoryDemand, historyTask } from "./fetch_history.ts";
import { messageOf } from "./issue_text.ts";
import { UsageError } from "./usage_error.ts";

/** Fetches history on demand while the collector runs: one demand at a time. What the last one came to stays. */
export class HistoryJob {
  readonly #clock: Clock;
  readonly #abort = new AbortController();
  #status: HistoryJobStatus | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How the demand under way is doing, or what the last one came to; null before the first. */
  get status(): HistoryJobStatus | null {
    return this.#status;
  }

  /** Begins a demand. Returns why it cannot be, and whether only because another one is under way. */
  begin(
    demand: HistoryDemand,
    { plan, collector }: { readonly plan: Plan | null; readonly collector: Collector | null },
  ): { readonly error: string; readonly isBusy: boolean } | null {
    if (this.#status?.state === "running") return { error: "Another range is being fetched", isBusy: true };
    if (plan === null || collector === null) return { error: "Nothing is collected at present", isBusy: false };
    try {
      const task = historyTask(plan, demand, this.#clock.nowMicros());
      const { exchange, channel, from, to } = task.wish;
      const begun = { exchange, channel, from, to, notes: task.notes };
      this.#status = { ...begun, state: "running", step: "known", done: 0, total: 1, fetched: 0 };
      void this.#run(collector, task.wish, begun);
      return null;
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      return { error: error.message, isBusy: false };
    }
  }

  /** Ends what is under way. */
  stop(): void {
    this.#abort.abort();
  }

  async #run(
    collector: Collector,
    wish: Parameters<Collector["fetchHistory"]>[0],
    begun: Pick<HistoryJobStatus, "exchange" | "channel" | "from" | "to" | "notes">,
  ): Promise<void> {
    try {
      const streams = await collector.fetchHistory(wish, {
        signal: this.#abort.signal,
        onProgress: (progress) => this.#status = { ...begun, state: "running", ...progress },
      });
      this.#status = { ...begun, state: "done", streams };
    } catch (error) {
      const reason = error instanceof Failure ? error.message : `A bug of the program: ${messageOf(error)}`;
      this.#status = { ...begun, state: "failed", error: reason };
    }
  }
}
