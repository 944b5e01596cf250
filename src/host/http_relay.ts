import { HTTP_IDLE_MS_MAX, HTTP_LINGER_MS, HTTP_REPLY_MS } from "../model/mod.ts";
import type { Clock } from "./host.ts";
import { closeQuietly, type InnerServer } from "./http_inner.ts";

/** Bytes read from a connection at once. */
const CHUNK_BYTES = 8 * 1024;

/**
 * A client's connection and, from its first byte on, a connection to the inner server. Relays bytes both ways; reads a
 * chunk only after the one before was written.
 */
export class Relay {
  readonly #clock: Clock;
  readonly #client: Deno.Conn;
  readonly #inner: InnerServer;
  #toInner: Deno.Conn | null = null;
  /** Whether the last bytes came from the client. */
  #awaited = false;
  /** Whether the client is slow to take bytes. */
  #writing = false;
  #sinceMs: number;
  /** When the client began to send a request without an answer so far. */
  #awaitedSinceMs = 0;
  #closed = false;

  constructor(clock: Clock, client: Deno.Conn, inner: InnerServer) {
    this.#clock = clock;
    this.#client = client;
    this.#inner = inner;
    this.#sinceMs = clock.monotonicMs();
  }

  /** When a byte was last relayed, in monotonic ms. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** Whether the client may be waiting for an answer in progress. */
  get isBusy(): boolean {
    return this.#awaited && this.#inner.isAnswering;
  }

  /** Whether the client sent something without an answer so far. */
  get isAwaited(): boolean {
    return this.#awaited;
  }

  /** Returns how long the client has been sending without an answer, in ms; 0 if it awaits none. */
  awaitedMs(nowMs: number): number {
    return this.#awaited ? nowMs - this.#awaitedSinceMs : 0;
  }

  /**
   * Resolves when the connection is over; never rejects. `moved` is called for each chunk, `makeRoom` if no file
   * descriptor is left for the connection to the inner server.
   */
  async run(moved: () => void, makeRoom: () => void): Promise<void> {
    const back = { over: Promise.resolve() };
    try {
      const chunk = new Uint8Array(CHUNK_BYTES);
      for (let count = await this.#client.read(chunk); count !== null; count = await this.#client.read(chunk)) {
        this.#touch(true, moved);
        if (this.#toInner === null) {
          const inner = await this.#inner.connect(makeRoom);
          if (this.#closed) return this.#inner.close(inner);
          this.#toInner = inner;
          back.over = this.#relayBack(inner, moved);
        }
        await this.#pass(this.#toInner, chunk.subarray(0, count));
      }
      await this.#answered();
    } catch {
      // Either side broke its connection, or no descriptor is left: the client sees its connection close.
    }
    this.close();
    await back.over;
  }

  close(): void {
    this.#closed = true;
    closeQuietly(this.#client);
    if (this.#toInner !== null) this.#inner.close(this.#toInner);
  }

  /** Writes to the inner server. It may answer and close while the client still sends; such bytes are discarded. */
  async #pass(inner: Deno.Conn, bytes: Uint8Array): Promise<void> {
    try {
      await writeAll(inner, bytes);
    } catch (cause) {
      if (this.#closed) throw cause;
    }
  }

  async #relayBack(inner: Deno.Conn, moved: () => void): Promise<void> {
    try {
      const chunk = new Uint8Array(CHUNK_BYTES);
      for (let count = await inner.read(chunk); count !== null; count = await inner.read(chunk)) {
        this.#touch(false, moved);
        this.#writing = true;
        await writeAll(this.#client, chunk.subarray(0, count));
        this.#writing = false;
        this.#touch(false, moved);
      }
      await this.#client.closeWrite();
      // If closed at once, a client still sending its request could lose the end of the answer.
      const endMs = this.#clock.monotonicMs() + HTTP_LINGER_MS;
      while (!this.#closed && this.#clock.monotonicMs() < endMs) await this.#clock.sleep(20);
    } catch {
      // As above.
    }
    this.close();
  }

  /**
   * Resolves when a half-closed client has its answer. `Deno.serve` abandons a request if its client closes its sending
   * side, so that is not relayed.
   */
  async #answered(): Promise<void> {
    const idleMs = () => this.#clock.monotonicMs() - this.#sinceMs;
    const isOpen = () =>
      this.isBusy || this.#writing || idleMs() < (this.#awaited ? HTTP_IDLE_MS_MAX : HTTP_REPLY_MS / 10);
    while (!this.#closed && isOpen()) {
      await this.#clock.sleep(20);
    }
  }

  #touch(awaited: boolean, moved: () => void): void {
    this.#sinceMs = this.#clock.monotonicMs();
    if (awaited && !this.#awaited) this.#awaitedSinceMs = this.#sinceMs;
    this.#awaited = awaited;
    moved();
  }
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let from = 0; from < bytes.length;) from += await connection.write(bytes.subarray(from));
}
