import type { Clock } from "../host/mod.ts";
import type { Pipeline } from "../derive/mod.ts";
import type { Journal, NamedStretch } from "../journal/mod.ts";
import {
  type EventBatch,
  EventRows,
  Failure,
  type Observer,
  type Offset,
  SINK_BATCH_EVENTS_MAX,
  SINK_BLOCKED_RETRY_MS,
  SINK_RETRY_MS_MAX,
  SINK_RETRY_MS_MIN,
  SINK_SLOW_MS,
  type SinkStatus,
} from "../model/mod.ts";
import { type FlushPolicy, RowsBatch, type Sink, type SinkCapabilities } from "../sink/mod.ts";
import { CatchUp } from "./catch_up.ts";
import { lostRangeGaps } from "./lost_range.ts";
import type { RecentEvents, RecentReader } from "./recent_events.ts";
import { SinkLife } from "./sink_life.ts";
import { Progress } from "./progress.ts";

export interface DeliveryOptions {
  readonly name: string;
  readonly type: string;
  /** Whether the sink receives an event; null: all. */
  readonly filter: ((batch: EventBatch, event: number) => boolean) | null;
  readonly flush: FlushPolicy;
  readonly capabilities: SinkCapabilities;
  /** Makes a fresh sink for events that were collected under a name; called again after a failure. */
  readonly createSink: (collector: string | null) => Sink;
  /** Makes the pipeline that derives events anew when the sink is behind the recent events. */
  readonly createPipeline: () => Pipeline;
  /** Names of the exchange instances, which are told of what the sink can never have. */
  readonly exchanges: () => readonly string[];
  readonly journal: Journal;
  readonly recent: RecentEvents;
  readonly clock: Clock;
  readonly observe: Observer;
  /** Called once when nobody will ever read what the sink writes: the delivery has stopped by itself. */
  readonly onGone?: () => void;
}

/** How long a delivery sleeps at most before it looks again, in ms: sinks flush by age too. */
const IDLE_MS = 500;
/** Records without anything for the sink after which the position is committed all the same: they hold segments back. */
const COMMIT_RECORDS = 10_000;

/**
 * Feeds one sink: only what is synced, in order, at the sink's own pace, from memory while it is close and from the
 * journal when it is not. Owns the filter, the flush clock, the deadlines and the retries, and commits the
 * position after the sink has made everything safe. Whatever a sink throws, it is closed, opened again and fed from where
 * its destination stands, for ever, with a growing and capped delay; only where nobody reads any more it is stopped.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #abort = new AbortController();
  /** Ends the waiting for the next attempt. */
  #hurry = new AbortController();
  #stopping = false;
  #wantsReopen = false;
  #wake: (() => void) | null = null;
  #state: SinkStatus["state"] = "starting";
  /** Who collected what this life of the sink is given, and up to where. */
  #stretch: NamedStretch = { name: null, until: null };
  #position: Offset = 0;
  #committed: Offset = 0;
  /** What the sink was given since it was last flushed; `sinceMs` is monotonic, null where it was given nothing. */
  #unflushed: { sinceMs: number | null; events: number; bytes: number } = nothing();
  #events = 0;
  #error: string | null = null;
  readonly #progress = new Progress();
  #life: SinkLife | null = null;
  #reader: RecentReader | null = null;
  /** Kept while it is of use when the sink falls behind once more. */
  #catchUp: CatchUp | null = null;
  #hasStalePlans = false;
  #failures = 0;
  #timeouts = 0;
  #done: Promise<void> | null = null;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.name;
  }

  get status(): SinkStatus {
    const { name, type, journal, flush } = this.#options;
    const slow = this.#slowCall();
    return {
      name,
      type,
      state: slow === null || this.#state === "blocked" ? this.#state : "failing",
      position: this.#position,
      committed: this.#committed,
      // Before its cursor was read a sink stands at 0, far before the first offset there is.
      lagRecords: Math.max(0, journal.next - Math.max(this.#position, journal.oldest)),
      events: this.#events,
      error: this.#error ?? slow,
      files: this.#life?.files ?? null,
      waitingSince: this.#progress.waitingSince,
      commitEveryMs: flush.everyMs,
    };
  }

  /** Looks whether something was made safe, or handed over where nothing waits for that. Called every second. */
  lookAtProgress(): void {
    const { journal, clock } = this.#options;
    const isUnflushed = this.#unflushed.sinceMs !== null;
    const isWaiting = this.#state !== "stopped" && (isUnflushed || this.#position < journal.synced);
    this.#progress.look(isWaiting, isUnflushed ? this.#committed : this.#position, clock.nowMicros());
  }

  /** Begins to deliver. */
  start(): void {
    this.#done ??= this.#run();
  }

  /** The plans have changed: what is derived anew from now on is derived by a new pipeline. */
  changePlans(): void {
    this.#hasStalePlans = true;
  }

  /** Commits, closes the sink and opens it again: files that were moved away are begun anew. A failing one is tried now. */
  reopen(): void {
    this.#wantsReopen = true;
    this.#wake?.();
    this.#hurry.abort();
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
      this.#life?.abandon(new Failure("cancelled", "The sink was given up"));
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
    const { journal, clock } = this.#options;
    const unsubscribe = journal.whenSynced(() => this.#wake?.());
    while (!this.#abort.signal.aborted) {
      let failed: unknown = null;
      try {
        if (await this.#deliver() === "stopped") break;
      } catch (error) {
        failed = error ?? new Error("nothing was thrown");
      }
      const retryMs = failed === null ? 0 : this.#noteFailure(failed);
      await this.#closeSink();
      if (retryMs === null || (this.#stopping && failed !== null)) break;
      if (retryMs > 0) await clock.sleep(retryMs, this.#hurry.signal);
      if (!this.#stopping) this.#hurry = new AbortController();
    }
    unsubscribe();
    await this.#closeSink();
    this.#state = "stopped";
  }

  /** Tells of a failure; returns when to try again, in ms, or null where there is nobody left to write for. */
  #noteFailure(error: unknown): number | null {
    if (this.#abort.signal.aborted) return null;
    const { observe, name } = this.#options;
    const failure = error instanceof Failure ? error : null;
    const isGone = failure?.code === "gone";
    const blocked = failure !== null && !failure.retry;
    this.#timeouts = failure?.code === "timeout" ? this.#timeouts + 1 : 0;
    this.#state = blocked ? "blocked" : "failing";
    this.#error = describe(error);
    const backoffMs = Math.min(SINK_RETRY_MS_MIN * 2 ** Math.min(this.#failures++, 20), SINK_RETRY_MS_MAX);
    const retryMs = isGone ? null : blocked ? SINK_BLOCKED_RETRY_MS : backoffMs;
    observe({ kind: "sink_failed", sink: name, error: this.#error, retryMs, bug: failure === null, blocked });
    if (isGone) this.#leave();
    return retryMs;
  }

  /** Nobody reads any more: the position holds nothing back. */
  #leave(): void {
    this.#options.journal.forgetCursor(this.#options.name);
    this.#options.onGone?.();
  }

  /** One life of the sink: until stop, until it is to be opened anew, or until it fails. */
  async #deliver(): Promise<"stopped" | "reopen"> {
    const { journal, recent, name } = this.#options;
    const cursor = await journal.loadCursor(name);
    const life = this.#begin(cursor ?? journal.oldest);
    await this.#open(life, cursor);
    if (journal.collectorAt(this.#position).name !== this.#stretch.name) {
      // The destination is behind: what it lacks was collected under another name.
      await journal.commitCursor(name, this.#position);
      return "reopen";
    }
    this.#reader = recent.join(this.#position, "wait");
    while (!this.#abort.signal.aborted) {
      life.throwIfFailed();
      const limit = journal.synced;
      const batch = recent.readBatch(this.#position, limit, SINK_BATCH_EVENTS_MAX);
      if (batch === null) {
        this.#show("catching_up");
        await this.#deriveAnew(life);
      } else if (batch.next > this.#position) {
        this.#show("delivering");
        await this.#hand(life, batch.rows, batch.next);
      } else this.#show("delivering");
      if (this.#isDue(life)) await this.#commit(life);
      if (this.#abort.signal.aborted) break;
      if (this.#wantsReopen) {
        await this.#commit(life);
        this.#wantsReopen = false;
        return "reopen";
      }
      if (this.#position < journal.synced) continue;
      if (this.#stopping) {
        await this.#commit(life);
        return "stopped";
      }
      await this.#idle();
    }
    return "stopped";
  }

  #begin(at: Offset): SinkLife {
    const { journal, createSink, capabilities, clock } = this.#options;
    this.#stretch = journal.collectorAt(at);
    const [sink, timeouts, onFailed] = [createSink(this.#stretch.name), this.#timeouts, () => this.#wake?.()];
    this.#life = new SinkLife({ sink, capabilities, clock, timeouts, onFailed });
    this.#unflushed = nothing();
    this.#wantsReopen = false;
    return this.#life;
  }

  /** Opens the sink and takes the place where its destination stands, which need not be the one that was committed. */
  async #open(life: SinkLife, cursor: Offset | null): Promise<void> {
    const { journal, name } = this.#options;
    const expected = cursor ?? journal.oldest;
    const stand = await life.open(expected);
    if (!Number.isSafeInteger(stand) || stand < 0) throw new Error(`Sink ${name} stands at ${stand}`);
    if (stand > journal.synced) {
      const text = `Cannot go on: the destination of sink ${name} holds events up to offset ${stand - 1}, ` +
        `but this journal ends at ${journal.synced}: it was written from another journal`;
      throw new Failure("sink", text, { retry: false });
    }
    const from = Math.max(stand, journal.oldest);
    // What the destination lacks must not be deleted from the journal before it was delivered again.
    if (from < expected) await journal.commitCursor(name, from);
    this.#position = from;
    this.#committed = Math.min(from, expected);
    // Nothing before the journal's begin was ever there to be lost, and a new sink at a new destination has lost nothing.
    const lostFrom = Math.max(stand, journal.began ?? 0);
    const isNew = cursor === null && stand === 0;
    if (lostFrom < journal.oldest && !isNew) await this.#tellLost(life, lostFrom, journal.oldest);
  }

  /** Tells the sink of records that it can never have. */
  async #tellLost(life: SinkLife, from: Offset, to: Offset): Promise<void> {
    const { journal, exchanges, observe } = this.#options;
    const gaps = await lostRangeGaps(journal, { range: { from, to }, exchanges: exchanges() });
    for (const { exchange, event } of gaps) {
      if (event.kind !== "gap") continue;
      const { cause, detail, from_ts: fromTs, to_ts: toTs } = event;
      observe({ kind: "gap", exchange, stream: null, symbol: "", cause, detail, ends: false, fromTs, toTs });
    }
    await this.#hand(life, EventRows.from(gaps), to);
  }

  /** A failing sink stays so until it has made something safe: that it opens or takes events proves nothing. */
  #show(state: "delivering" | "catching_up"): void {
    if (this.#failures === 0) this.#state = state;
  }

  /** What a call says that is under way for too long; null where none is. */
  #slowCall(): string | null {
    const call = this.#life?.underWay ?? null;
    if (call === null) return null;
    const ms = this.#options.clock.monotonicMs() - call.beganMs;
    return ms < SINK_SLOW_MS ? null : `${call.what} has not come back for ${Math.floor(ms / 1000)} s`;
  }

  /** Until the events in memory go on from where the sink stands, or until the end of what is synced. */
  async #deriveAnew(life: SinkLife): Promise<void> {
    const { recent } = this.#options;
    const catchUp = await this.#openCatchUp();
    while (!this.#abort.signal.aborted && !this.#wantsReopen) {
      const limit = this.#options.journal.synced;
      const derived = await catchUp.take(this.#position, () => recent.start);
      if (derived === null) {
        // Else it would be looked for without end, and what comes after it would wait for ever.
        if (this.#position >= limit || this.#abort.signal.aborted) return;
        throw new Failure(
          "corrupt",
          `Cannot read the journal: nothing is there from offset ${this.#position} to ${limit}`,
        );
      }
      await this.#hand(life, derived.rows, derived.next);
      if (this.#isDue(life)) await this.#commit(life);
      if (this.#position >= recent.start) return;
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

  async #hand(life: SinkLife, offered: EventRows, to: Offset): Promise<void> {
    const { clock, observe, name, filter } = this.#options;
    const { until } = this.#stretch;
    // What was collected under another name is for another life of the sink.
    const isPast = until !== null && to >= until;
    const [rows, next] = isPast && to > until
      ? [offered.filter((batch, event) => batch.offsets.values[event] < until), until]
      : [offered, to];
    if (isPast) this.#wantsReopen = true;
    const wanted = filter === null ? rows : rows.filter(filter);
    if (wanted.length > 0) {
      const began = clock.monotonicMs();
      this.#unflushed.sinceMs ??= began;
      this.#unflushed.events += wanted.length;
      if (this.#options.flush.bytes !== null) this.#unflushed.bytes += wanted.bytes;
      await life.write(new RowsBatch(wanted, this.#position, next));
      this.#events += wanted.length;
      observe({ kind: "sink_wrote", sink: name, events: wanted.length, durationMs: clock.monotonicMs() - began });
    }
    this.#position = next;
    this.#reader?.advance(next);
  }

  #isDue(life: SinkLife): boolean {
    if (this.#abort.signal.aborted || this.#isHeld(life)) return false;
    if (life.wantsFlush || this.#holdsRoom()) return true;
    const { sinceMs, events, bytes } = this.#unflushed;
    if (sinceMs === null) return this.#position - this.#committed >= COMMIT_RECORDS;
    const { flush, clock } = this.#options;
    if (flush.events !== null && events >= flush.events) return true;
    if (flush.bytes !== null && bytes >= flush.bytes) return true;
    return clock.monotonicMs() - sinceMs >= flush.everyMs;
  }

  /** Whether the sink cannot be flushed where it is: what it was given then is given again after its next opening. */
  #isHeld(life: SinkLife): boolean {
    return life.cutsAt !== null && this.#position < life.cutsAt;
  }

  /** Whether the journal is at its cap and could let a segment go, had this sink committed what it was given. */
  #holdsRoom(): boolean {
    const { journal } = this.#options;
    return journal.full && journal.segmentStart(this.#position) > journal.segmentStart(this.#committed);
  }

  async #commit(life: SinkLife): Promise<void> {
    if (this.#isHeld(life)) return;
    const { journal, observe, name } = this.#options;
    const position = this.#position;
    await life.flush(position);
    this.#unflushed = nothing();
    this.#noteSafe();
    // Whoever gave this delivery up has closed the journal since, or is about to.
    if (this.#abort.signal.aborted) return;
    if (position !== this.#committed) {
      await journal.commitCursor(name, position);
      this.#committed = position;
      observe({ kind: "sink_committed", sink: name, offset: position });
      await this.#leaveCatchUp();
      await journal.removePassed();
    }
  }

  /** A sink that was failing has recovered when it has made something safe. */
  #noteSafe(): void {
    this.#timeouts = 0;
    if (this.#failures === 0) return;
    this.#failures = 0;
    this.#error = null;
    this.#state = "delivering";
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
      if (this.#stopping || this.#wantsReopen || this.#position < journal.synced) this.#wake();
    });
    this.#wake = null;
  }

  /** Never rejects: what closing fails with is told. */
  async #closeSink(): Promise<void> {
    this.#reader?.leave();
    this.#reader = null;
    const life = this.#life;
    this.#life = null;
    for (const close of [() => this.#closeCatchUp(), () => life?.close()]) {
      try {
        await close();
      } catch (error) {
        const bug = !(error instanceof Failure);
        const { observe, name } = this.#options;
        observe({ kind: "sink_failed", sink: name, error: describe(error), retryMs: 0, bug, blocked: false });
      }
    }
  }
}

function nothing(): { sinceMs: number | null; events: number; bytes: number } {
  return { sinceMs: null, events: 0, bytes: 0 };
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
