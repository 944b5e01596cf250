import { HTTP_IDLE_MS_MAX, HTTP_LINGER_MS, HTTP_REPLY_MS } from "../model/mod.ts";
import type { Clock } from "./host.ts";
import { closeQuietly, type InnerServer } from "./http_inner.ts";

/** Bytes taken from a connection at once. */
const CHUNK_BYTES = 8 * 1024;

/**
 * A client's connection and, from its first byte on, one of its own to the inner server. Bytes go both ways, each read
 * only when the one before has been taken.
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
  /** When the client began to send what nothing was answered to yet. */
  #awaitedSinceMs = 0;
  #closed = false;

  constructor(clock: Clock, client: Deno.Conn, inner: InnerServer) {
    this.#clock = clock;
    this.#client = client;
    this.#inner = inner;
    this.#sinceMs = clock.monotonicMs();
  }

  /** When a byte last went through, in monotonic ms. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** Whether the client may be waiting for an answer that is being made. */
  get isBusy(): boolean {
    return this.#awaited && this.#inner.isAnswering;
  }

  /** Whether the client sent something that nothing was answered to yet. */
  get isAwaited(): boolean {
    return this.#awaited;
  }

  /** How long the client has been sending what nothing was answered to, in ms; 0 where it waits for nothing. */
  awaitedMs(nowMs: number): number {
    return this.#awaited ? nowMs - this.#awaitedSinceMs : 0;
  }

  /**
   * Resolves when the connection is over; never rejects. `moved` is called with each chunk, `makeRoom` where the process
   * has no file left for the way to the inner server.
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
      // Either end broke its connection, or there is no file for it: the client sees that by its connection's end.
    }
    this.close();
    await back.over;
  }

  close(): void {
    this.#closed = true;
    closeQuietly(this.#client);
    if (this.#toInner !== null) this.#inner.close(this.#toInner);
  }

  /** The inner server may answer and end while the client still sends: what it sends then is read and left. */
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
      // Closed at once, the client could lose the end of an answer to a request that it has not sent whole.
      const endMs = this.#clock.monotonicMs() + HTTP_LINGER_MS;
      while (!this.#closed && this.#clock.monotonicMs() < endMs) await this.#clock.sleep(20);
    } catch {
      // As above.
    }
    this.close();
  }

  /**
   * Resolves when a client that sends no more has its answer. `Deno.serve` gives up a request whose client closes its
   * own direction, so that it is not told.
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
