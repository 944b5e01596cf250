import type { Connection } from "../host/mod.ts";
import { type FaultPlan, FaultTimer } from "./faults.ts";
import type { Peer } from "./peer.ts";
import type { FrameContent, StatisticsBoard } from "./statistics.ts";

/** Characters sent between two pings, which show how far the client has read. */
const PROBE_CHARS = 4 * 1024 * 1024;
/** A client is cut off as too slow when this many characters were sent since its last pong. */
const UNREAD_CHARS_MAX = 128 * 1024 * 1024;

/** The used part of a connection. */
type ServedConnection = Connection & { sendBinary(bytes: Uint8Array): void; terminate(): void };

/** Sends to one client, counts what was sent, and applies the fault plan. */
export class Delivery implements Peer {
  readonly #connection: ServedConnection;
  readonly #board: StatisticsBoard;
  readonly #nowMs: () => number;
  readonly #timers: Readonly<Record<"disconnect" | "gap" | "duplicate" | "garbage" | "silence", FaultTimer>>;
  #open = true;
  #silent = false;
  #garbage = 0;
  #unread = 0;
  #probed = 0;

  constructor(options: {
    readonly connection: ServedConnection;
    readonly board: StatisticsBoard;
    readonly faults: FaultPlan;
    readonly nowMs: () => number;
  }) {
    const { faults, nowMs } = options;
    this.#connection = options.connection;
    this.#board = options.board;
    this.#nowMs = nowMs;
    this.#timers = {
      disconnect: new FaultTimer(faults.disconnectEvery, nowMs()),
      gap: new FaultTimer(faults.gapEvery, nowMs()),
      duplicate: new FaultTimer(faults.duplicateEvery, nowMs()),
      garbage: new FaultTimer(faults.garbageEvery, nowMs()),
      silence: new FaultTimer(faults.silenceAfter, nowMs()),
    };
  }

  sendControl(text: string): void {
    if (this.#timers.silence.isDue(this.#nowMs())) this.#fallSilent();
    if (!this.#speaks()) return;
    this.#board.totals.controlFrames++;
    this.#send(text);
  }

  sendData(text: string, content: FrameContent): void {
    if (!this.#speaks()) return;
    const now = this.#nowMs();
    if (this.#timers.silence.strikes(now)) {
      this.#fallSilent();
      return;
    }
    if (this.#timers.gap.strikes(now)) {
      this.#board.totals.droppedFrames++;
      return;
    }
    this.#sendCounted(text, { content, copy: false });
    if (this.#timers.duplicate.strikes(now)) this.#sendCounted(text, { content, copy: true });
    if (this.#timers.garbage.strikes(now)) this.#sendGarbage(text);
    if (this.#timers.disconnect.strikes(now)) {
      this.#board.totals.forcedDisconnects++;
      this.close(1001, "Going away");
    }
  }

  ping(): void {
    if (this.#speaks()) this.#connection.ping();
  }

  close(code: number, reason: string): void {
    if (!this.#open) return;
    this.#open = false;
    this.#connection.close(code, reason);
  }

  /** Notes a pong: the client has read everything sent before the ping. */
  acceptPong(): void {
    this.#unread = this.#probed;
    this.#probed = 0;
  }

  /** Notes that the connection has ended. */
  end(): void {
    this.#open = false;
  }

  #speaks(): boolean {
    return this.#open && !this.#silent;
  }

  #fallSilent(): void {
    if (this.#silent) return;
    this.#silent = true;
    this.#board.totals.silencedConnections++;
  }

  #sendCounted(text: string, { content, copy }: { readonly content: FrameContent; readonly copy: boolean }): void {
    if (!this.#open) return;
    this.#board.totals.dataFrames++;
    if (copy) this.#board.totals.duplicatedFrames++;
    this.#board.count(content, copy);
    this.#send(text);
  }

  #sendGarbage(text: string): void {
    this.#board.totals.garbageFrames++;
    const turn = this.#garbage++ % 3;
    if (turn === 0) this.#send(text.slice(0, Math.floor(text.length / 2)));
    else if (turn === 1) this.#send("upstream connect error or disconnect/reset before headers");
    else this.#connection.sendBinary(new Uint8Array([0xff, 0x00, 0xfe, 0x7b, 0x22]));
  }

  #send(text: string): void {
    this.#connection.send(text);
    this.#unread += text.length;
    this.#probed += text.length;
    if (this.#probed >= PROBE_CHARS) {
      this.#probed = 0;
      this.#connection.ping();
    }
    if (this.#unread > UNREAD_CHARS_MAX) {
      this.#open = false;
      this.#board.totals.slowConsumers++;
      this.#connection.terminate();
    }
  }
}
