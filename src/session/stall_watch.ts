import { decide, isCured, SILENCE_MS_MIN, type SilenceLimits, type Stall, type StallStep } from "../liveness/mod.ts";
import {
  type Micros,
  STALL_QUIET_LIMIT_MS_MAX,
  STALL_SWEEP_MS_MAX,
  STALL_SWEEP_MS_MIN,
  STALL_TURN_MS_MIN,
  type Stream,
  streamKey,
} from "../model/mod.ts";
import type { ProbeVerdict, SessionOptions } from "./session_api.ts";
import type { StreamEntry, StreamLedger } from "./stream_ledger.ts";

/** A timer later than this means that the process was busy, so received data may not be read yet. */
const LATE_MS = 2000;

/** What the watch needs to act on stalled streams. */
export interface StallActions {
  /** Of the connection: outlives the socket. */
  readonly ledger: StreamLedger;
  /** Reschedules the timer, because a deadline may be earlier. */
  schedule(): void;
  /** Subscribes again to a stream on its socket; false if that is not possible. */
  resubscribe(stream: Stream): boolean;
  /** Closes the socket, so that another replaces it: at the next address if `isElsewhere`. */
  replace(isElsewhere: boolean, reason: string): void;
  tell(stream: Stream, stall: { readonly from: Micros; readonly action: string; readonly reason: string }): void;
}

/** The present silence of a stream, until its next data. Times are monotonic ms. */
interface Watched {
  /** When the silence began; identifies the silence. */
  readonly sinceMs: number;
  /** It is not checked before. */
  untilMs: number;
  verdict: "asking" | ProbeVerdict | null;
}

/**
 * Finds stalled streams of a socket and takes the steps against them: subscribe again, a new socket, the next address.
 * Data only updates a time; silences are checked a few times a minute.
 */
export class StallWatch {
  readonly #options: SessionOptions;
  readonly #actions: StallActions;
  readonly #watched = new Map<StreamEntry, Watched>();
  /** Monotonic ms; Infinity while no stream of the socket had data. */
  #dueMs = Infinity;

  constructor(options: SessionOptions, actions: StallActions) {
    this.#options = options;
    this.#actions = actions;
  }

  /** When `sweep` must be called, in monotonic ms. */
  get nextDueMs(): number {
    return this.#dueMs;
  }

  /** Notes data of a stream. */
  see(entry: StreamEntry, receivedTs: Micros): void {
    const nowMs = this.#options.host.clock.monotonicMs();
    const { stall, rhythm } = entry;
    if (stall === null) rhythm.saw(nowMs, receivedTs);
    else {
      const silentMs = nowMs - (rhythm.lastMs ?? stall.takenMs);
      // Data that a step brought back ends no natural silence.
      if (isCured(stall, nowMs)) rhythm.interrupt(nowMs);
      else rhythm.saw(nowMs, receivedTs);
      this.#actions.ledger.resumed(entry);
      this.#observe(entry, "resumed", silentMs, "its data come again");
    }
    if (this.#dueMs !== Infinity || this.#options.plan.stallAfterMs === 0) return;
    this.#dueMs = nowMs + SILENCE_MS_MIN;
    this.#actions.schedule();
  }

  /** Checks the streams whose silence may be too long. `heardMs`: when the socket last received anything. */
  sweep(nowMs: number, heardMs: number): void {
    if (nowMs < this.#dueMs) return;
    if (nowMs > this.#dueMs + LATE_MS) {
      this.#dueMs = nowMs + STALL_SWEEP_MS_MIN;
      return;
    }
    let nextMs = Infinity;
    for (const entry of this.#actions.ledger.entries()) {
      nextMs = Math.min(nextMs, this.#look(entry, nowMs, heardMs));
    }
    const isIdle = nextMs === Infinity && this.#watched.size === 0;
    this.#dueMs = isIdle
      ? Infinity
      : Math.max(nowMs + STALL_SWEEP_MS_MIN, Math.min(nowMs + STALL_SWEEP_MS_MAX, nextMs));
  }

  /** Checks one stream; returns when to check again, in monotonic ms. */
  #look(entry: StreamEntry, nowMs: number, heardMs: number): number {
    const sinceMs = entry.rhythm.lastMs ?? this.#askedMs(entry);
    if (sinceMs === null || !entry.desired || !entry.asked || entry.state === "rejected") {
      return Infinity;
    }
    if (nowMs < sinceMs + SILENCE_MS_MIN) {
      this.#watched.delete(entry);
      return sinceMs + SILENCE_MS_MIN;
    }
    const stall = this.#stallOf(entry);
    let watched = this.#watched.get(entry);
    if (watched === undefined || watched.sinceMs !== sinceMs) {
      this.#watched.set(entry, watched = { sinceMs, untilMs: -Infinity, verdict: null });
    }
    if (nowMs < watched.untilMs) return watched.untilMs;
    const limits = this.#limitsOf(entry);
    if (limits === null) return watched.untilMs = Infinity;
    // An answer is valid for as long as the silence had lasted.
    if (watched.verdict === "quiet" && stall === null) watched.verdict = null;
    const { verdict } = watched;
    if (verdict === "asking") return watched.untilMs = nowMs + STALL_SWEEP_MS_MAX;
    const decision = decide({
      nowMs,
      sinceMs,
      limits,
      heardMs,
      verdict: verdict === "unknown" ? null : verdict,
      canProbe: this.#options.probe !== undefined && verdict === null && stall === null,
      stall,
    });
    switch (decision.kind) {
      case "wait":
        return watched.untilMs = decision.untilMs;
      case "probe":
        this.#probe(entry, watched);
        return watched.untilMs;
      case "step": {
        const { step, round, patienceMs } = decision;
        this.#takeStep(entry, { step, round, patienceMs, takenMs: nowMs }, { silentMs: nowMs - sinceMs, limits });
        return watched.untilMs = nowMs + STALL_SWEEP_MS_MIN;
      }
    }
  }

  /** Returns when a stream without data so far was requested on the socket; null if it was not. */
  #askedMs({ live, deadline }: StreamEntry): number | null {
    return live || deadline === null ? null : deadline.dueMs - this.#options.plan.firstDataTimeoutMs;
  }

  /** Returns the stall of a stream. A step that needed a new socket counts from the request there. */
  #stallOf(entry: StreamEntry): Stall | null {
    const { stall, live } = entry;
    if (stall === null || live) return stall;
    return { ...stall, takenMs: Math.max(stall.takenMs, this.#askedMs(entry) ?? -Infinity) };
  }

  /**
   * Returns the limits of a stream's silence; null if silence is not judged: in quiet channels, unless the stream's
   * rhythm is busy.
   */
  #limitsOf({ rhythm, lastDataTs, quiet }: StreamEntry): SilenceLimits | null {
    const { stallAfterMs } = this.#options.plan;
    if (stallAfterMs === null) {
      const limits = rhythm.limits(lastDataTs ?? this.#options.host.clock.nowMicros());
      return quiet && limits !== null && limits.limitMs > STALL_QUIET_LIMIT_MS_MAX ? null : limits;
    }
    if (quiet) return null;
    return { usualMs: stallAfterMs / 10, suspiciousMs: stallAfterMs, limitMs: stallAfterMs };
  }

  #probe(entry: StreamEntry, watched: Watched): void {
    const asked = this.#options.probe?.(entry.stream) ?? null;
    watched.verdict = asked === null ? "unknown" : "asking";
    watched.untilMs = -Infinity;
    void asked?.then((verdict) => {
      if (this.#watched.get(entry) !== watched || (entry.rhythm.lastMs ?? watched.sinceMs) !== watched.sinceMs) return;
      const nowMs = this.#options.host.clock.monotonicMs();
      watched.verdict = verdict;
      const silentMs = nowMs - watched.sinceMs;
      watched.untilMs = verdict === "quiet" ? nowMs + silentMs : -Infinity;
      if (verdict === "quiet") this.#observe(entry, "quiet", silentMs, "the exchange has nothing later");
      this.#dueMs = Math.min(this.#dueMs, nowMs);
      this.#actions.schedule();
    });
  }

  #takeStep(
    entry: StreamEntry,
    stall: Stall,
    { silentMs, limits }: { readonly silentMs: number; readonly limits: SilenceLimits },
  ): void {
    const { ledger } = this.#actions;
    const { stream } = entry;
    const isFirst = entry.stall === null;
    const isProved = this.#watched.get(entry)?.verdict === "behind";
    if (isFirst && !isProved) entry.rhythm.alarmed();
    const why = isProved ? "the exchange has later data" : `its usual gap is ${shownMs(limits.usualMs)}`;
    const reason = `no data for ${shownMs(silentMs)}; ${why}`;
    const from = entry.lastDataTs ?? entry.since;
    ledger.stalled(entry, stall, reason);
    const tell = (action: string) => {
      this.#actions.tell(stream, { from, action, reason });
      this.#observe(entry, stall.step, silentMs, reason);
    };
    if (stall.step === "resubscribe") {
      const canAsk = this.#actions.resubscribe(stream);
      if (canAsk || stall.round > 1) {
        return tell(canAsk ? "asked again for it" : "nothing more can be done on this socket");
      }
      // The exchange cannot unsubscribe a stream, so the next step is due at once.
      if (isFirst) this.#actions.tell(stream, { from, action: "it cannot be asked for again alone", reason });
      ledger.stalled(entry, { ...stall, takenMs: stall.takenMs - stall.patienceMs }, reason);
      return;
    }
    const isElsewhere = stall.step === "next_address";
    if (isElsewhere && this.#options.plan.urls.length === 1) return;
    // A step taken for another stream a moment ago helps this one too.
    if (!ledger.mayReplace(stall.step, stall.takenMs, STALL_TURN_MS_MIN)) return;
    tell(isElsewhere ? "a new socket to the next address" : "a new socket");
    this.#actions.replace(isElsewhere, `${streamKey(stream)} stands still: ${reason}`);
  }

  #observe({ stream }: StreamEntry, step: StallStep | "quiet" | "resumed", silentMs: number, reason: string): void {
    const { exchange, plan, observe } = this.#options;
    observe({ kind: "stream_stalled", exchange, connection: plan.key, stream, step, silentMs, reason });
  }
}

function shownMs(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 120_000 ? `${(ms / 1000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`;
}
