import type { Micros } from "../model/mod.ts";
import type { MarketStep } from "./market_step.ts";
import type { Peer } from "./peer.ts";
import type { FrameContent } from "./statistics.ts";

/** One native stream and its listeners. A variant is the form in which a listener receives it. */
export abstract class Feed {
  readonly #listeners = new Map<Peer, number>();

  /** Adds a listener, and sends it the first frame of the stream, if there is one. */
  join(peer: Peer, variant: number, now: Micros): void {
    const first = this.#listeners.size === 0;
    this.#listeners.set(peer, variant);
    if (first) this.begin(now);
    this.greet(peer, variant, now);
  }

  leave(peer: Peer): void {
    this.#listeners.delete(peer);
  }

  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  /** Called after a step of the market, while there are listeners. */
  onStep(_step: MarketStep): void {}

  /** Called every few milliseconds, while there are listeners. */
  onTick(_now: Micros): void {}

  /** Called for the first listener: resets state that is not kept without listeners. */
  protected begin(_now: Micros): void {}

  /** Sends the new listener its first frame, if the stream has one. */
  protected greet(_peer: Peer, _variant: number, _now: Micros): void {}

  /** Sends a frame to all listeners; each variant's text is rendered once. */
  protected publish(content: FrameContent, render: (variant: number) => string): void {
    const texts: string[] = [];
    for (const [peer, variant] of this.#listeners) peer.sendData(texts[variant] ??= render(variant), content);
  }
}

/** Fires once a span, aligned to the span's multiples. */
export class Pace {
  readonly #everyMicros: number;
  #next: Micros;

  constructor(everyMs: number, now: Micros) {
    this.#everyMicros = everyMs * 1000;
    this.#next = now - (now % this.#everyMicros) + this.#everyMicros;
  }

  isDue(now: Micros): boolean {
    if (now < this.#next) return false;
    this.#next = now - (now % this.#everyMicros) + this.#everyMicros;
    return true;
  }
}

/** Counts events in a rolling window. */
export class RollingWindow {
  readonly #max: number;
  readonly #spanMicros: number;
  #times: Micros[] = [];

  constructor(limit: { readonly max: number; readonly spanMs: number }) {
    this.#max = limit.max;
    this.#spanMicros = limit.spanMs * 1000;
  }

  /** Counts one event; false if the window is exceeded. Refused events count, too. */
  admit(now: Micros, weight = 1): boolean {
    this.#times = this.#times.filter((time) => time > now - this.#spanMicros);
    for (let i = 0; i < weight && this.#times.length <= this.#max; i++) this.#times.push(now);
    return this.#times.length <= this.#max;
  }

  /** Events in the window. */
  used(now: Micros): number {
    return this.#times.filter((time) => time > now - this.#spanMicros).length;
  }
}

/** Schedules work for later ticks. */
export class Agenda {
  #entries: { readonly at: Micros; readonly run: (now: Micros) => void }[] = [];

  /** Runs at once if there is no delay, else at the first tick at or after it. */
  after(delayMs: number, now: Micros, run: (now: Micros) => void): void {
    if (delayMs === 0) run(now);
    else this.#entries.push({ at: now + delayMs * 1000, run });
  }

  onTick(now: Micros): void {
    if (this.#entries.length === 0) return;
    const due = this.#entries.filter((entry) => entry.at <= now);
    this.#entries = this.#entries.filter((entry) => entry.at > now);
    for (const entry of due) entry.run(now);
  }

  clear(): void {
    this.#entries = [];
  }
}
