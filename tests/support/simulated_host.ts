import type {
  Clock,
  Connection,
  ConnectionCallbacks,
  Dialer,
  DialOptions,
  Fetcher,
  FetchRequest,
  FetchResponse,
  Random,
  Timer,
} from "../../src/host/mod.ts";
import { Failure, Secrets } from "../../src/model/mod.ts";

/** Wall clock at simulated zero, in ms. */
export const SIMULATED_EPOCH_MS = 1_800_000_000_000;
/** As the real host: an unanswered close is cut after this, in ms. */
const CLOSE_CUT_MS = 1_000;
/** Enough turns for any chain of promises in the code under test to come to rest. */
const SETTLE_TURNS = 40;

/** Lets everything run that can run without time passing. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < SETTLE_TURNS; turn++) await Promise.resolve();
}

interface SimulatedTimer {
  readonly dueMs: number;
  readonly order: number;
  readonly call: () => void;
}

/** Time that passes only when a test says so. */
export class SimulatedClock implements Clock {
  readonly #timers = new Set<SimulatedTimer>();
  #nowMs = 0;
  #order = 0;

  nowMicros(): number {
    return this.nowMs() * 1000;
  }

  nowMs(): number {
    return SIMULATED_EPOCH_MS + this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(ms: number, call: () => void): Timer {
    const timer = { dueMs: this.#nowMs + Math.max(0, ms), order: this.#order++, call };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.after(ms, resolve);
      const abort = () => {
        timer.cancel();
        resolve();
      };
      if (signal?.aborted) abort();
      else signal?.addEventListener("abort", abort, { once: true });
    });
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Lets `ms` pass: every timer fires at its own moment, and what it sets off comes to rest before the next. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await settle();
    while (true) {
      const next = [...this.#timers].filter(({ dueMs }) => dueMs <= endMs)
        .sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.call();
      await settle();
    }
    this.#nowMs = endMs;
  }
}

/** A socket whose far end is the test. */
export class SimulatedConnection implements Connection {
  readonly sent: { readonly text: string; readonly atMs: number }[] = [];
  readonly pings: number[] = [];
  closing: { readonly code: number; readonly reason: string } | null = null;
  paused = false;
  ended = false;
  readonly #callbacks: ConnectionCallbacks;
  readonly #clock: SimulatedClock;
  readonly #answersClose: boolean;

  constructor(callbacks: ConnectionCallbacks, clock: SimulatedClock, answersClose: boolean) {
    this.#callbacks = callbacks;
    this.#clock = clock;
    this.#answersClose = answersClose;
  }

  send(text: string): void {
    if (!this.ended && this.closing === null) this.sent.push({ text, atMs: this.#clock.monotonicMs() });
  }

  ping(): void {
    if (!this.ended && this.closing === null) this.pings.push(this.#clock.monotonicMs());
  }

  close(code: number, reason: string): void {
    if (this.ended || this.closing !== null) return;
    this.closing = { code, reason };
    this.#clock.after(this.#answersClose ? 0 : CLOSE_CUT_MS, () => this.end(this.#answersClose ? code : null, ""));
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  /** The texts sent so far. */
  get texts(): string[] {
    return this.sent.map(({ text }) => text);
  }

  /** The server sends a text frame. */
  frame(text: string): void {
    this.#callbacks.onFrame(new TextEncoder().encode(text), false, this.#clock.nowMicros());
  }

  /** The server sends a ping frame, which the socket answers by itself. */
  serverPing(): void {
    this.#callbacks.onPing(this.#clock.nowMicros());
  }

  /** The server answers a ping frame. */
  pong(): void {
    this.#callbacks.onPong(this.#clock.nowMicros());
  }

  /** The connection is over; null: without a close frame. */
  end(code: number | null, reason: string): void {
    if (this.ended) return;
    this.ended = true;
    this.#callbacks.onClose(code, reason);
  }
}

/** One attempt to connect, which the test lets succeed or fail. */
export class SimulatedDial {
  readonly options: DialOptions;
  readonly atMs: number;
  settled = false;
  readonly #accept: (answersClose: boolean) => SimulatedConnection;
  readonly #reject: (failure: Failure) => void;

  constructor(
    options: DialOptions,
    atMs: number,
    outcome: {
      readonly accept: (answersClose: boolean) => SimulatedConnection;
      readonly reject: (failure: Failure) => void;
    },
  ) {
    this.options = options;
    this.atMs = atMs;
    this.#accept = outcome.accept;
    this.#reject = outcome.reject;
  }

  async open({ answersClose = true }: { readonly answersClose?: boolean } = {}): Promise<SimulatedConnection> {
    this.settled = true;
    const connection = this.#accept(answersClose);
    await settle();
    return connection;
  }

  async fail(failure: Failure): Promise<void> {
    this.settled = true;
    this.#reject(failure);
    await settle();
  }
}

/** A dialer whose attempts wait for the test. */
export class SimulatedDialer implements Dialer {
  readonly dials: SimulatedDial[] = [];
  readonly #clock: SimulatedClock;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  dial(options: DialOptions, callbacks: ConnectionCallbacks, signal?: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const dial = new SimulatedDial(options, this.#clock.monotonicMs(), {
        accept: (answersClose) => {
          const connection = new SimulatedConnection(callbacks, this.#clock, answersClose);
          resolve(connection);
          return connection;
        },
        reject,
      });
      this.dials.push(dial);
      signal?.addEventListener("abort", () => {
        if (!dial.settled) reject(new Failure("cancelled", "Dial cancelled"));
      }, { once: true });
    });
  }

  /** The last attempt; throws where there was none. */
  get last(): SimulatedDial {
    const dial = this.dials.at(-1);
    if (dial === undefined) throw new Error("Nothing was dialled");
    return dial;
  }
}

/** HTTP whose answers the test gives; a `Failure` is thrown. */
export class SimulatedFetcher implements Fetcher {
  readonly requests: FetchRequest[] = [];
  answer: (request: FetchRequest) => Pick<FetchResponse, "status"> & { body: string; retryAfterMs?: number } | Failure =
    () => new Failure("connect", "No answer was set");
  readonly #clock: SimulatedClock;

  constructor(clock: SimulatedClock) {
    this.#clock = clock;
  }

  fetch(request: FetchRequest): Promise<FetchResponse> {
    this.requests.push(request);
    const answer = this.answer(request);
    if (answer instanceof Failure) return Promise.reject(answer);
    return Promise.resolve({
      status: answer.status,
      body: new TextEncoder().encode(answer.body),
      receivedTs: this.#clock.nowMicros(),
      retryAfterMs: answer.retryAfterMs ?? null,
    });
  }
}

/** Randomness that a test sets. */
export class SimulatedRandom implements Random {
  value = 0.5;
  #uuids = 0;

  next(): number {
    return this.value;
  }

  uuid(): string {
    return `00000000-0000-4000-8000-${String(++this.#uuids).padStart(12, "0")}`;
  }
}

/** The parts of a host that time and faults go through. */
export class SimulatedHost {
  readonly clock = new SimulatedClock();
  readonly dialer = new SimulatedDialer(this.clock);
  readonly fetcher = new SimulatedFetcher(this.clock);
  readonly random = new SimulatedRandom();
  readonly secrets = new Secrets();
}
