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
  /** Whether the sink receives an event; null if it receives all. */
  readonly filter: ((batch: EventBatch, event: number) => boolean) | null;
  readonly flush: FlushPolicy;
  readonly capabilities: SinkCapabilities;
  /**
   * Makes a new sink for events collected under this name; called again after each failure. `timeouts`: consecutive
   * calls of earlier sinks that timed out.
   */
  readonly createSink: (collector: string | null, timeouts: number) => Sink;
  /** Makes the pipeline that derives events anew when the sink is behind the recent events. */
  readonly createPipeline: () => Pipeline;
  /** Names of the exchange instances: each gets a gap for records that the sink can never have. */
  readonly exchanges: () => readonly string[];
  readonly journal: Journal;
  readonly recent: RecentEvents;
  readonly clock: Clock;
  readonly observe: Observer;
  /** Called once if the sink's reader has gone for good; the delivery has then stopped by itself. */
  readonly onGone?: () => void;
}

/** How long a delivery sleeps at most before it looks again, in ms: sinks flush by age too. */
const IDLE_MS = 500;
/** After this many records without an event for the sink its position is committed, so that segments can be deleted. */
const COMMIT_RECORDS = 10_000;

/**
 * Feeds one sink with synced events, in order, at the sink's own pace: from memory while it keeps up, from the journal
 * while it does not. Owns the filter, the flush clock, the deadlines and the retries, and commits the position after
 * the sink has made everything safe. A sink that throws, whatever it throws, is closed, opened again after a growing
 * and capped delay, and fed from where its destination stands. Only a sink whose reader has gone is stopped.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #abort = new AbortController();
  /** Ends the wait for the next attempt. */
  #hurry = new AbortController();
  #stopping = false;
  #wantsReopen = false;
  #wake: (() => void) | null = null;
  #state: SinkStatus["state"] = "starting";
  /** The collector's name for the events of this life of the sink, and the offset up to which it holds. */
  #stretch: NamedStretch = { name: null, until: null };
  #position: Offset = 0;
  #committed: Offset = 0;
  /** What the sink was given since its last flush; `sinceMs` is monotonic, null if it was given nothing. */
  #unflushed: { sinceMs: number | null; events: number; bytes: number } = nothing();
  #events = 0;
  #error: string | null = null;
  readonly #progress = new Progress();
  #life: SinkLife | null = null;
  #reader: RecentReader | null = null;
  /** Kept for the next time that the sink falls behind. */
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
      // Until its cursor is read a sink stands at 0, far before the first offset.
      lagRecords: Math.max(0, journal.next - Math.max(this.#position, journal.oldest)),
      events: this.#events,
      error: this.#error ?? slow,
      files: this.#life?.files ?? null,
      waitingSince: this.#progress.waitingSince,
      commitEveryMs: flush.everyMs,
    };
  }

  /**
   * Notes whether the sink makes progress: by its commits, or by its position if nothing is unflushed. Called every
   * second.
   */
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

  /** Makes later catch-ups use a new pipeline, because the plans have changed. */
  changePlans(): void {
    this.#hasStalePlans = true;
  }

  /**
   * Commits, closes the sink and opens it again: files that were moved away are begun anew. Retries a failing sink now.
   */
  reopen(): void {
    this.#wantsReopen = true;
    this.#wake?.();
    this.#hurry.abort();
  }

  /**
   * Delivers what is synced, commits and ends; a failing sink is tried once more. `abandon` gives up at once, even if
   * the sink hangs: what is not committed is delivered after the next start.
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

  /** Reports a failure. Returns the delay before the next attempt in ms; null if the sink's reader has gone. */
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

  /** Removes the cursor of a sink whose reader has gone, so that it holds no segment back. */
  #leave(): void {
    this.#options.journal.forgetCursor(this.#options.name);
    this.#options.onGone?.();
  }

  /** Runs one life of the sink: until the stop, until the sink has to be opened again, or until it fails. */
  async #deliver(): Promise<"stopped" | "reopen"> {
    const { journal, recent, name } = this.#options;
    const cursor = await journal.loadCursor(name);
    const life = this.#begin(cursor ?? journal.oldest);
    await this.#open(life, cursor);
    if (journal.collectorAt(this.#position).name !== this.#stretch.name) {
      // The destination is behind its cursor: the missing events were collected under another name.
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
    const timeouts = this.#timeouts;
    const [sink, onFailed] = [createSink(this.#stretch.name, timeouts), () => this.#wake?.()];
    this.#life = new SinkLife({ sink, capabilities, clock, timeouts, onFailed });
    this.#unflushed = nothing();
    this.#wantsReopen = false;
    return this.#life;
  }

  /** Opens the sink and moves to where its destination stands, which may differ from the committed cursor. */
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
    // The journal must keep what the destination lacks until it has been delivered again.
    if (from < expected) await journal.commitCursor(name, from);
    this.#position = from;
    this.#committed = Math.min(from, expected);
    // A journal holds nothing from before its begin, and a new sink at a new destination has lost nothing.
    const lostFrom = Math.max(stand, journal.began ?? 0);
    const isNew = cursor === null && stand === 0;
    if (lostFrom < journal.oldest && !isNew) await this.#emitLost(life, lostFrom, journal.oldest);
  }

  /** Gives the sink a gap for records that it can never have. */
  async #emitLost(life: SinkLife, from: Offset, to: Offset): Promise<void> {
    const { journal, exchanges, observe } = this.#options;
    const gaps = await lostRangeGaps(journal, { range: { from, to }, exchanges: exchanges() });
    for (const { exchange, event } of gaps) {
      if (event.kind !== "gap") continue;
      const { cause, detail, from_ts: fromTs, to_ts: toTs } = event;
      observe({ kind: "gap", exchange, stream: null, symbol: "", cause, detail, ends: false, fromTs, toTs });
    }
    await this.#hand(life, EventRows.from(gaps), to);
  }

  /** Shows a state, unless the sink is failing: only a successful flush ends that, not an open or a write. */
  #show(state: "delivering" | "catching_up"): void {
    if (this.#failures === 0) this.#state = state;
  }

  /** Describes a call that has been under way for too long; null if there is none. */
  #slowCall(): string | null {
    const call = this.#life?.underWay ?? null;
    if (call === null) return null;
    const ms = this.#options.clock.monotonicMs() - call.beganMs;
    return ms < SINK_SLOW_MS ? null : `${call.what} has not come back for ${Math.floor(ms / 1000)} s`;
  }

  /**
   * Feeds the sink from the journal until the recent events reach back to its position, or to the end of the synced
   * records.
   */
  async #deriveAnew(life: SinkLife): Promise<void> {
    const { recent } = this.#options;
    const catchUp = await this.#openCatchUp();
    while (!this.#abort.signal.aborted && !this.#wantsReopen) {
      const limit = this.#options.journal.synced;
      const derived = await catchUp.readBatch(this.#position, () => recent.start);
      if (derived === null) {
        // Without this the loop would look for the records for ever, and everything after them would wait.
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

  /** Closes a catch-up that is further from the sink's position than the nearest checkpoint. */
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
    // Events collected under another name belong to the next life of the sink.
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

  /** Whether the sink cannot be flushed at this position: its events are then given again after the next opening. */
  #isHeld(life: SinkLife): boolean {
    return life.cutsAt !== null && this.#position < life.cutsAt;
  }

  /** Whether the journal is at its cap and a commit of this sink would let it delete a segment. */
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
    // A delivery that was given up must not touch the journal, which is closed or about to be.
    if (this.#abort.signal.aborted) return;
    if (position !== this.#committed) {
      await journal.commitCursor(name, position);
      this.#committed = position;
      observe({ kind: "sink_committed", sink: name, offset: position });
      await this.#leaveCatchUp();
      await journal.removePassed();
    }
  }

  /** Marks a failing sink as recovered, after a successful flush. */
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

  /** Closes the sink. Never rejects: errors are reported. */
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
