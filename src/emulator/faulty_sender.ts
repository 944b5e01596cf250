import type { Connection } from "../host/mod.ts";
import type { WireFrame } from "../model/mod.ts";
import { type FaultPlan, FaultTimer } from "../simulator/mod.ts";
import type { CountBoard } from "./counts.ts";

/** The server's end of a socket. */
export type ServedSocket = Connection & { sendBinary(bytes: Uint8Array): void; terminate(): void };

const TIMERS = ["disconnectEvery", "gapEvery", "duplicateEvery", "garbageEvery", "silenceAfter"] as const;

/** Sends recorded frames to one client, with the faults of the fault plan. */
export class FaultySender {
  readonly #socket: ServedSocket;
  readonly #counts: CountBoard;
  readonly #nowMs: () => number;
  readonly #timers: Readonly<Record<typeof TIMERS[number], FaultTimer>>;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  #isOpen = true;
  #isSilent = false;
  #garbage = 0;

  constructor(socket: ServedSocket, options: {
    readonly faults: FaultPlan;
    readonly counts: CountBoard;
    readonly nowMs: () => number;
  }) {
    const { faults, counts, nowMs } = options;
    this.#socket = socket;
    this.#counts = counts;
    this.#nowMs = nowMs;
    const timer = (name: typeof TIMERS[number]) => new FaultTimer(faults[name], nowMs());
    this.#timers = {
      disconnectEvery: timer("disconnectEvery"),
      gapEvery: timer("gapEvery"),
      duplicateEvery: timer("duplicateEvery"),
      garbageEvery: timer("garbageEvery"),
      silenceAfter: timer("silenceAfter"),
    };
  }

  /** Sends an answer. */
  answer(text: string): void {
    if (this.#timers.silenceAfter.isDue(this.#nowMs())) this.#fallSilent();
    if (!this.#isOpen || this.#isSilent) return;
    this.#counts.answers++;
    this.#socket.send(text);
  }

  /** Sends a recorded frame; returns the bytes sent. */
  send(frame: WireFrame): number {
    if (!this.#isOpen || this.#isSilent) return 0;
    const now = this.#nowMs();
    if (this.#timers.silenceAfter.strikes(now)) {
      this.#fallSilent();
      return 0;
    }
    if (this.#timers.gapEvery.strikes(now)) {
      this.#counts.droppedFrames++;
      return 0;
    }
    this.#put(frame);
    if (this.#timers.duplicateEvery.strikes(now)) {
      this.#counts.duplicatedFrames++;
      this.#put(frame);
    }
    if (this.#timers.garbageEvery.strikes(now)) this.#putGarbage(frame);
    if (this.#timers.disconnectEvery.strikes(now)) {
      this.#counts.forcedDisconnects++;
      this.#isOpen = false;
      this.#socket.close(1001, "Going away");
    }
    return frame.payload.length;
  }

  /** Notes that the connection has ended. */
  end(): void {
    this.#isOpen = false;
  }

  #put({ payload, binary }: WireFrame): void {
    this.#counts.frames++;
    if (binary) this.#socket.sendBinary(payload);
    else this.#socket.send(this.#decoder.decode(payload));
  }

  /** Sends truncated text, prose and binary bytes in turn. */
  #putGarbage({ payload }: WireFrame): void {
    this.#counts.garbageFrames++;
    const turn = this.#garbage++ % 3;
    if (turn === 0) this.#socket.send(this.#decoder.decode(payload.subarray(0, Math.floor(payload.length / 2))));
    else if (turn === 1) this.#socket.send("upstream connect error or disconnect/reset before headers");
    else this.#socket.sendBinary(new Uint8Array([0xff, 0x00, 0xfe, 0x7b, 0x22]));
  }

  #fallSilent(): void {
    if (this.#isSilent) return;
    this.#isSilent = true;
    this.#counts.silencedConnections++;
  }
}
