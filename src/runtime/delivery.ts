import type { Clock } from "../host/mod.ts";
import type { Journal } from "../journal/mod.ts";
import {
  BACKOFF_MS_MAX,
  type Envelope,
  type EventKind,
  Failure,
  type Observer,
  type Offset,
  SINK_BATCH_EVENTS_MAX,
  type SinkStatus,
} from "../model/mod.ts";
import type { Sink } from "../sink/mod.ts";
import { CatchUp } from "./catch_up.ts";
import type { Pipeline } from "../derive/mod.ts";
import { Progress } from "./progress.ts";
import type { Tail, TailReader } from "./tail.ts";

export interface DeliveryOptions {
  readonly name: string;
  readonly type: string;
  readonly kinds: readonly EventKind[] | null;
  /** How long it may take from an event to its commit when all is well, in ms. */
  readonly commitEveryMs: number;
  /** Makes a fresh sink; called again after a failure. */
  readonly createSink: () => Sink;
  /** Makes the pipeline that derives events anew when the sink is behind the tail. */
  readonly createPipeline: () => Pipeline;
  readonly journal: Journal;
  readonly tail: Tail;
  readonly clock: Clock;
  readonly observe: Observer;
}

/** How long a delivery sleeps at most before it looks again, in ms: sinks flush by age too. */
const IDLE_MS = 500;
const RETRY_MS_MIN = 250;
/** Records without anything for the sink after which the position is committed all the same: they hold segments back. */
const COMMIT_RECORDS = 10_000;

/**
 * Feeds one sink: only what is synced, in order, at the sink's own pace, from memory while it is close and from the
 * journal when it is not. Commits the position after the sink has made everything safe. When the sink fails it is closed,
 * opened again at the committed position and fed from there, for ever, with a growing and capped delay.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #kinds: ReadonlySet<EventKind> | null;
  readonly #abort = new AbortController();
  /** Ends the waiting for the next attempt. */
  readonly #hurry = new AbortController();
  #stopping = false;
  #wake: (() => void) | null = null;
  #state: SinkStatus["state"] = "starting";
  #position: Offset = 0;
  #committed: Offset = 0;
  /** Whether the sink was given events since it was last flushed. */
  #isUnflushed = false;
  #events = 0;
  #error: string | null = null;
  readonly #progress = new Progress();
  #sink: Sink | null = null;
  #reader: TailReader | null = null;
  /** Kept while it is of use when the sink falls behind once more. */
  #catchUp: CatchUp | null = null;
  #hasStalePlans = false;
  #failures = 0;
  #done: Promise<void> | null = null;

  constructor(options: DeliveryOptions) {
    this.#options = options;
    this.#kinds = options.kinds === null ? null : new Set(options.kinds);
  }

  get status(): SinkStatus {
    const { name, type, journal, commitEveryMs } = this.#options;
    return {
      name,
      type,
      state: this.#state,
      position: this.#position,
      committed: this.#committed,
      // Before its cursor was read a sink stands at 0, far before the first offset there is.
      lagRecords: Math.max(0, journal.next - Math.max(this.#position, journal.oldest)),
      events: this.#events,
      error: this.#error,
      files: this.#sink?.files ?? null,
      waitingSince: this.#progress.waitingSince,
      commitEveryMs,
    };
  }

  /** Looks whether something was made safe, or handed over where nothing waits for that. Called every second. */
  lookAtProgress(): void {
    const { journal, clock } = this.#options;
    const isWaiting = this.#isUnflushed || this.#position < journal.synced;
    this.#progress.look(isWaiting, this.#isUnflushed ? this.#committed : this.#position, clock.nowMicros());
  }

  /** Begins to deliver. */
  start(): void {
    this.#done ??= this.#run();
  }

  /** The plans have changed: what is derived anew from now on is derived by a new pipeline. */
  changePlans(): void {
    this.#hasStalePlans = true;
  }

  /**
   * Delivers what is synced, commits and ends; a sink that is failing is tried once more. `abandon` gives up at once,
   * also where the sink hangs: what is not committed is delivered after the next start.
   */
  async stop(abandon: AbortSignal): Promise<void> {
    this.#stopping = true;
    const abandoned = Promise.withResolvers<void>();
    const give = () => {
      this.#abort.abort();
      abandoned.resolve();
    };
    if (abandon.aborted) give();
    abandon.addEventListener("abort", give, { once: true });
    this.#wake?.();
    this.#hurry.abort();
    await Promise.race([this.#done, abandoned.promise]);
    abandon.removeEventListener("abort", give);
  }

  async #run(): Promise<void> {
    const { journal, clock, observe, name } = this.#options;
    const unsubscribe = journal.whenSynced(() => this.#wake?.());
    try {
      while (!this.#abort.signal.aborted) {
        try {
          await this.#deliver();
          break;
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          this.#state = "failing";
          this.#error = error.message;
          const retryMs = Math.min(RETRY_MS_MIN * 2 ** Math.min(this.#failures++, 20), BACKOFF_MS_MAX);
          observe({ kind: "sink_failed", sink: name, error: error.message, retryMs });
          await this.#closeSink();
          if (this.#stopping) break;
          await clock.sleep(retryMs, this.#hurry.signal);
        }
      }
    } finally {
      unsubscribe();
      await this.#closeSink();
      this.#state = "stopped";
    }
  }

  /** One life of the sink: until stop, or until it fails. */
  async #deliver(): Promise<void> {
    const { journal, tail, name } = this.#options;
    const from = Math.max(await journal.loadCursor(name) ?? journal.oldest, journal.oldest);
    const sink = this.#options.createSink();
    this.#sink = sink;
    await sink.open(from);
    this.#position = from;
    this.#committed = from;
    this.#isUnflushed = false;
    this.#reader = tail.join(from);
    while (!this.#abort.signal.aborted) {
      const limit = journal.synced;
      const taken = tail.take(this.#position, limit, SINK_BATCH_EVENTS_MAX);
      if (taken === null) {
        this.#state = "catching_up";
        await this.#deriveAnew(sink);
      } else if (taken.next > this.#position) {
        this.#state = "delivering";
        await this.#hand(sink, taken.events, taken.next);
      }
      if (this.#isDue(sink)) await this.#commit(sink);
      if (this.#position < journal.synced || this.#abort.signal.aborted) continue;
      if (this.#stopping) {
        await this.#commit(sink);
        return;
      }
      await this.#idle();
    }
  }

  /** Until the events in memory go on from where the sink stands, or until the end of what is synced. */
  async #deriveAnew(sink: Sink): Promise<void> {
    const { tail } = this.#options;
    const catchUp = await this.#openCatchUp();
    while (!this.#abort.signal.aborted) {
      const derived = await catchUp.take(this.#position, () => tail.start);
      if (derived === null) return;
      await this.#hand(sink, derived.events, derived.next);
      if (this.#isDue(sink)) await this.#commit(sink);
      if (this.#position >= tail.start) return;
    }
  }

  async #openCatchUp(): Promise<CatchUp> {
    const { journal, createPipeline } = this.#options;
    if (this.#hasStalePlans) await this.#closeCatchUp();
    await this.#leaveCatchUp();
    this.#hasStalePlans = false;
    return this.#catchUp ??= new CatchUp({
      journal,
      pipeline: createPipeline(),
      from: this.#position,
      signal: this.#abort.signal,
    });
  }

  /** Lets go of a catch-up that is further from where the sink stands than the checkpoint is. */
  async #leaveCatchUp(): Promise<void> {
    if (this.#catchUp?.isCloserTo(this.#position) === false) await this.#closeCatchUp();
  }

  async #closeCatchUp(): Promise<void> {
    const catchUp = this.#catchUp;
    this.#catchUp = null;
    await catchUp?.close();
  }

  async #hand(sink: Sink, events: readonly Envelope[], next: Offset): Promise<void> {
    const { clock, observe, name } = this.#options;
    const kinds = this.#kinds;
    const wanted = kinds === null ? events : events.filter((envelope) => kinds.has(envelope.event.kind));
    if (wanted.length > 0) {
      const began = clock.monotonicMs();
      this.#isUnflushed = true;
      await sink.write(wanted);
      this.#events += wanted.length;
      observe({ kind: "sink_wrote", sink: name, events: wanted.length, durationMs: clock.monotonicMs() - began });
    }
    this.#position = next;
    this.#reader?.advance(next);
  }

  #isDue(sink: Sink): boolean {
    if (this.#abort.signal.aborted) return false;
    if (sink.wantsFlush(this.#options.clock.nowMs())) return true;
    if (this.#holdsRoom()) return true;
    return !this.#isUnflushed && this.#position - this.#committed >= COMMIT_RECORDS;
  }

  /** Whether the journal is at its cap and could let a segment go, had this sink committed what it was given. */
  #holdsRoom(): boolean {
    const { journal } = this.#options;
    return journal.full && journal.segmentStart(this.#position) > journal.segmentStart(this.#committed);
  }

  async #commit(sink: Sink): Promise<void> {
    const { journal, observe, name } = this.#options;
    await sink.flush();
    this.#isUnflushed = false;
    this.#noteSafe();
    // Whoever gave this delivery up has closed the journal since, or is about to.
    if (this.#position === this.#committed || this.#abort.signal.aborted) return;
    await journal.commitCursor(name, this.#position);
    this.#committed = this.#position;
    observe({ kind: "sink_committed", sink: name, offset: this.#position });
    await this.#leaveCatchUp();
    await journal.removePassed();
  }

  /** A sink that was failing has recovered when it has made something safe: taking events into memory proves nothing. */
  #noteSafe(): void {
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#error = null;
    this.#options.observe({ kind: "sink_recovered", sink: this.#options.name });
  }

  async #idle(): Promise<void> {
    const { clock, journal } = this.#options;
    await new Promise<void>((resolve) => {
      const timer = clock.after(IDLE_MS, resolve);
      this.#wake = () => {
        timer.cancel();
        resolve();
      };
      if (this.#stopping || this.#position < journal.synced) this.#wake();
    });
    this.#wake = null;
  }

  async #closeSink(): Promise<void> {
    this.#reader?.leave();
    this.#reader = null;
    const sink = this.#sink;
    this.#sink = null;
    await this.#closeCatchUp();
    try {
      await sink?.close();
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#options.observe({ kind: "sink_failed", sink: this.#options.name, error: error.message, retryMs: 0 });
    }
  }
}
