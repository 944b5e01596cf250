import type { ConnectionCallbacks, Host } from "../host/mod.ts";
import { CLIENT_MESSAGE_CHARS_MAX, type WireFrame, type WireRecord } from "../model/mod.ts";
import { type Answers, type Catalogue, type Heard, Wishes } from "../protocol/mod.ts";
import type { FaultPlan } from "../simulator/mod.ts";
import type { CountBoard } from "./counts.ts";
import { FaultySender, type ServedSocket } from "./faulty_sender.ts";

/** Most bytes in flight before the client confirms that it has read them. */
const WINDOW_BYTES = 512 * 1024;

/** Options of one client. */
export interface ClientOptions {
  readonly host: Host;
  readonly catalogue: Catalogue;
  readonly answers: Answers;
  readonly records: (signal: AbortSignal) => AsyncIterable<WireRecord>;
  readonly speed: number;
  readonly repeats: boolean;
  /** The playback begins after this long without a further subscription, in ms. */
  readonly settleMs: number;
  /** Delays every frame by this much, in ms. */
  readonly delayMs: number;
  readonly faults: FaultPlan;
  readonly counts: CountBoard;
  readonly signal: AbortSignal;
  /** Called with the error that ended a playback. */
  readonly failed: (cause: unknown) => void;
}

/**
 * Serves one client: from its first subscription on it gets the recorded frames of what it subscribed to, from the
 * beginning.
 */
export class EmulatedClient {
  readonly #options: ClientOptions;
  readonly #socket: ServedSocket;
  readonly #wishes: Wishes;
  readonly #sender: FaultySender;
  readonly #gone = new AbortController();
  readonly #signal: AbortSignal;
  /** Acknowledgements already sent; the recording may hold them, too. */
  readonly #given = new Set<string>();
  #settleTimer: { cancel(): void } | null = null;
  #pong = Promise.withResolvers<void>();
  #isPlaying = false;

  constructor(socket: ServedSocket, target: string, options: ClientOptions) {
    const { host: { clock }, catalogue, answers, faults, counts, signal } = options;
    this.#options = options;
    this.#socket = socket;
    this.#wishes = new Wishes(catalogue, target);
    this.#sender = new FaultySender(socket, { faults, counts, nowMs: () => clock.monotonicMs() });
    this.#signal = AbortSignal.any([signal, this.#gone.signal]);
    this.#signal.addEventListener("abort", () => {
      this.#settleTimer?.cancel();
      this.#pong.resolve();
    });
    counts.connections++;
    for (const { id } of this.#wishes.connections.slice(0, 1)) {
      for (const text of answers.welcome(id)) this.#sender.answer(text);
    }
    if (this.#wishes.hasAsked) this.#playSoon();
  }

  get callbacks(): ConnectionCallbacks {
    const decoder = new TextDecoder();
    return {
      onFrame: (payload) => this.#hear(decoder.decode(payload)),
      onPing: () => {},
      onPong: () => this.#pong.resolve(),
      onClose: () => {
        this.#sender.end();
        this.#gone.abort();
      },
    };
  }

  #hear(text: string): void {
    const { counts, answers, faults } = this.#options;
    const heard = this.#wishes.hear(text.slice(0, CLIENT_MESSAGE_CHARS_MAX));
    switch (heard.kind) {
      case "ping":
        for (const answer of answers.pong(heard)) this.#sender.answer(answer);
        return;
      case "unsubscribe":
        counts.unsubscriptions++;
        return;
      case "unknown":
        counts.unknownMessages++;
        return;
      case "subscribe": {
        counts.subscriptions++;
        if (this.#isRefused(heard)) {
          this.#wishes.forget(heard);
          this.#later(faults.slowAckMs, () => this.#give(answers.reject(heard)));
          return;
        }
        this.#later(faults.slowAckMs, () => {
          this.#give(answers.ack(heard));
          this.#playSoon();
        });
      }
    }
  }

  #isRefused({ items }: Heard): boolean {
    const { rejectSubscriptions } = this.#options.faults;
    return items.some(({ streams, topic }) =>
      rejectSubscriptions.some((symbol) =>
        streams.some((stream) => stream.symbol === symbol) ||
        topic?.toLowerCase().includes(symbol.toLowerCase()) === true
      )
    );
  }

  #give(answers: readonly string[]): void {
    for (const answer of answers) {
      this.#given.add(answer);
      this.#sender.answer(answer);
    }
  }

  #later(ms: number, call: () => void): void {
    if (ms === 0) call();
    else this.#options.host.clock.after(ms, () => !this.#signal.aborted && call());
  }

  #playSoon(): void {
    if (this.#isPlaying) return;
    const { host: { clock }, settleMs, failed } = this.#options;
    this.#settleTimer?.cancel();
    this.#settleTimer = clock.after(settleMs, () => {
      this.#isPlaying = true;
      this.#play().catch((cause) => {
        this.#socket.close(1011, "Cannot read what was recorded");
        failed(cause);
      });
    });
  }

  async #play(): Promise<void> {
    do {
      if (!await this.#playOnce()) return;
    } while (this.#options.repeats && !this.#signal.aborted);
  }

  /** Plays the recording once; false if it had nothing for this client, or the client has gone. */
  async #playOnce(): Promise<boolean> {
    const { host: { clock }, records, speed, delayMs } = this.#options;
    const startMs = clock.monotonicMs();
    let firstAt: number | null = null;
    let hasSent = false;
    let unread = 0;
    for await (const record of records(this.#signal)) {
      if (this.#signal.aborted) return false;
      if (record.kind !== "frame") continue;
      const { frame } = record;
      firstAt ??= frame.at;
      if (!this.#isFor(frame)) continue;
      const dueMs = startMs + delayMs + (speed > 0 ? (frame.at - firstAt) / 1000 / speed : 0);
      const waitMs = dueMs - clock.monotonicMs();
      if (waitMs > 1) await clock.sleep(waitMs, this.#signal);
      if (this.#signal.aborted) return false;
      unread += this.#sender.send(frame);
      hasSent = true;
      if (unread < WINDOW_BYTES) continue;
      unread = 0;
      await this.#untilRead();
    }
    return hasSent;
  }

  #isFor(frame: WireFrame): boolean {
    if (!this.#wishes.wants(frame)) return false;
    return frame.text === null || !this.#given.delete(frame.text);
  }

  /** Waits for a pong: it confirms that the client has read everything sent before the ping. */
  async #untilRead(): Promise<void> {
    if (this.#signal.aborted) return;
    this.#pong = Promise.withResolvers<void>();
    this.#socket.ping();
    await this.#pong.promise;
  }
}
