import assert from "node:assert/strict";
import { type Envelope, Failure, Secrets } from "../../src/model/mod.ts";
import { envelope, trade } from "../support/envelopes.ts";
import type { MadeSink } from "../support/made_sink.ts";
import type { TestServer } from "../support/server_process.ts";

/** A server that the tests of one sink share: the first of them starts it, `end` stops it. */
export class SharedServer<Server extends TestServer> {
  readonly title: string;
  readonly ignore: boolean;
  readonly #start: () => Promise<Server>;
  #starting: Promise<Server> | null = null;
  #running: Server | null = null;

  /** `absent`: why there is no server here; null where there is one. */
  constructor(name: string, absent: string | null, start: () => Promise<Server>) {
    this.title = absent === null ? `${name} sink` : `${name} sink (ignored: ${absent})`;
    this.ignore = absent !== null;
    this.#start = start;
  }

  get running(): Server {
    if (this.#running === null) throw new Error("The server has not been started");
    return this.#running;
  }

  /** Registers a test, which gets letters and digits of its own to keep what it writes apart. */
  test(claim: string, body: (prefix: string, server: Server) => Promise<void>): void {
    this.#register(claim, async () => {
      this.#running = await (this.#starting ??= this.#start());
      await body(prefixOf(crypto.randomUUID()), this.#running);
    });
  }

  /** Registers the last test. */
  end(): void {
    this.#register("leaves no server behind", async () => {
      await (await this.#starting)?.stop();
      this.#starting = null;
    });
  }

  #register(claim: string, fn: () => Promise<void>): void {
    const name = `${this.title} ${claim}`;
    Deno.test({ name, ignore: this.ignore, sanitizeOps: false, sanitizeResources: false, fn });
  }
}

/** What of a sink's own the tests below need. */
export interface ServerSink {
  make(prefix: string, keys?: Readonly<Record<string, unknown>>): MadeSink;
  /** Fails where the destination holds anything but these events, each once, in order. */
  holds(prefix: string, events: readonly Envelope[]): Promise<void>;
  /** Keys with which a sink gives up a server that hangs; null: it waits until it is told to. */
  readonly impatience: Readonly<Record<string, unknown>> | null;
  /** Keys of a login that is refused, and its password. */
  wrongLogin(): Readonly<Record<string, unknown>>;
  readonly secret: string;
  /** From when on an object that is followed by another can no longer write: from its opening, its first write, never. */
  readonly fences: "open" | "write" | null;
}

const isAway = (error: unknown) => error instanceof Failure && error.retry;

/** Registers the tests that every sink passes whose destination keeps the position. */
export function testServerSink<Server extends TestServer>(shared: SharedServer<Server>, sut: ServerSink): void {
  const { make, holds } = sut;

  shared.test("holds every event once, in order, over ends of the collector between any two calls", async (prefix) => {
    const events = numbered(60);
    let committed = 0;
    let step = 0;
    for (let life = 0; life < 200; life++) {
      // So few rows a request that some are sent before they are flushed.
      const sink = make(prefix, { batch_rows: 3 });
      const stand = await sink.open(committed);
      const rest = events.filter(({ offset }) => offset >= stand);
      for (let at = 0; at < rest.length; at += 4) {
        const batch = rest.slice(at, at + 4);
        await sink.write(batch);
        if (++step % 3 === 0) break; // Written and not flushed.
        await sink.flush();
        if (step % 5 === 0) break; // Flushed and not committed.
        committed = batch[batch.length - 1].offset + 1;
      }
      await sink.close();
      if (rest.length === 0) break;
    }
    await holds(prefix, events);
  });

  shared.test(
    "fails within seconds when the server is killed, and has every event once after it came back",
    async (prefix, server) => {
      const events = numbered(40);
      const first = make(prefix);
      await first.open(0);
      await first.write(events.slice(0, 10));
      await first.flush();
      await server.kill();
      await assert.rejects(async () => {
        await first.write(events.slice(10, 20));
        await first.flush();
      }, isAway);
      await first.close();
      const away = make(prefix);
      await assert.rejects(() => away.open(10), isAway);
      await away.close();
      await server.start();
      await resume(sut, prefix, events);
      await holds(prefix, events);
    },
  );

  shared.test(
    "gives up a server that hangs, and has every event once after it goes on",
    async (prefix, server) => {
      const events = numbered(40);
      const first = make(prefix, sut.impatience ?? {});
      await first.open(0);
      await first.write(events.slice(0, 10));
      await first.flush();
      await server.suspend();
      const writing = (async () => {
        await first.write(events.slice(10, 20));
        await first.flush();
      })();
      if (sut.impatience === null) {
        setTimeout(() => first.abort(), 300);
        await assert.rejects(writing);
      } else {
        await assert.rejects(writing, isAway);
      }
      await first.close();
      await server.resume();
      await resume(sut, prefix, events);
      await holds(prefix, events);
    },
  );

  if (sut.fences !== null) {
    shared.test("shuts out an object that another one has followed", async (prefix) => {
      const events = numbered(8);
      const zombie = make(prefix);
      await zombie.open(0);
      await zombie.write(events.slice(0, 2));
      await zombie.flush();
      const heir = make(prefix);
      assert.equal(await heir.open(0), events[1].offset + 1);
      if (sut.fences === "write") {
        await heir.write(events.slice(2, 4));
        await heir.flush();
      }
      await heir.close();
      await assert.rejects(async () => {
        await zombie.write(events.slice(2, 6));
        await zombie.flush();
      }, Failure);
      await zombie.close();
      await resume(sut, prefix, events);
      await holds(prefix, events);
    });
  }

  shared.test("is blocked by a login that is refused, and shows no secret", async (prefix) => {
    const secrets = new Secrets();
    secrets.add("{env:PASSWORD}", sut.secret);
    const sink = make(prefix, sut.wrongLogin());
    await assert.rejects(() => sink.open(0), (error) => {
      assert.ok(error instanceof Failure && !error.retry, String(error));
      assert.ok(!error.message.includes(sut.secret), error.message);
      return true;
    });
    await sink.close();
  });
}

/** Opens a sink as a delivery does, again and again where it fails, and gives it what it lacks. */
export async function resume(
  { make }: Pick<ServerSink, "make">,
  prefix: string,
  events: readonly Envelope[],
): Promise<void> {
  for (let tries = 1;; tries++) {
    const sink = make(prefix);
    try {
      const stand = await sink.open(0);
      await sink.write(events.filter(({ offset }) => offset >= stand));
      await sink.flush(events[events.length - 1].offset + 1);
      return;
    } catch (error) {
      if (!isAway(error) || tries === 240) throw error;
      await new Promise((go) => setTimeout(go, 250));
    } finally {
      await sink.close();
    }
  }
}

/** Letters and digits from a folder's name or an id, the same for the same one. */
export function prefixOf(text: string): string {
  return `t${text.replace(/[^A-Za-z0-9]/g, "").slice(-20)}`;
}

/** Trades, one a record, told apart by their prices. */
export function numbered(count: number): readonly Envelope[] {
  return Array.from({ length: count }, (_, at) => envelope(1000 + at * 2, trade(`${at + 1}.50`)));
}
