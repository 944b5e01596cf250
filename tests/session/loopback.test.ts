import assert from "node:assert/strict";
import { denoHost, type Host } from "../../src/host/mod.ts";
import type { ConnectionPlan, KeepalivePlan, Observation } from "../../src/model/mod.ts";
import { HostLimits } from "../../src/rest/mod.ts";
import { createSession, type Session } from "../../src/session/mod.ts";
import { serveRaw, upgradeRaw } from "../support/raw_server.ts";
import { connectionPlan, item, request, signal, template } from "../support/session_harness.ts";
import { SocketLog } from "../support/socket_log.ts";

const HOST = "127.0.0.1";

/** A session over real sockets that keeps what it observed and lets a test wait for it. Its backoff is always 0. */
class LoopbackSession {
  readonly session: Session;
  readonly observations: Observation[] = [];
  readonly frames: string[] = [];
  readonly #waiting = new Set<() => void>();

  constructor(port: number, changes: Partial<ConnectionPlan>) {
    const real = denoHost();
    const host: Host = { ...real, random: { ...real.random, next: () => 0 } };
    let sessions = 0;
    this.session = createSession({
      exchange: "test",
      plan: connectionPlan({ urls: [template(`ws://${HOST}:${port}/ws`)], readTimeoutMs: 60_000, ...changes }),
      controls: [],
      host,
      openGate: new HostLimits(host.clock).of("example"),
      observe: (observation) => {
        this.observations.push(observation);
        for (const wake of this.#waiting) wake();
        this.#waiting.clear();
      },
      sink: {
        opened: () => ++sessions,
        frame: (_, payload, __, receivedTs) => {
          const text = new TextDecoder().decode(payload);
          this.frames.push(text);
          if (text.startsWith("ack ")) {
            this.session.acceptSignal(signal("ack", { correlation: text.slice(4) }), receivedTs);
          } else this.session.acceptData("trades", text, receivedTs);
        },
        acked: () => {},
        rejected: () => {},
        stalled: () => {},
        closed: () => {},
      },
    });
    this.session.start();
  }

  /** Resolves with the `count`th observation of a kind that `is` what is looked for. */
  async observed<K extends Observation["kind"]>(
    kind: K,
    is: (observation: Extract<Observation, { kind: K }>) => boolean = () => true,
    count = 1,
  ): Promise<Extract<Observation, { kind: K }>> {
    while (true) {
      const found = this.observations
        .filter((each): each is Extract<Observation, { kind: K }> => each.kind === kind).filter(is)[count - 1];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }
}

const PINGING: KeepalivePlan = {
  mode: "ping_frame",
  intervalMs: 20,
  intervalFrom: null,
  when: "always",
  template: null,
  pongTimeoutMs: 5000,
  expectsPong: true,
};

/** An exchange that acknowledges `sub <id> …` and then sends data of A. */
async function serveExchange(options: { readonly answersPings?: boolean } = {}) {
  const log = new SocketLog();
  const server = await denoHost().listener.serveSockets({
    host: HOST,
    port: 0,
    answer: () => new Response(),
    ...options,
    accept: (connection) => ({
      onFrame: (payload, binary, receivedTs) => {
        log.onFrame(payload, binary, receivedTs);
        const [, id] = new TextDecoder().decode(payload).split(" ");
        connection.send(`ack ${id}`);
        connection.send("A");
      },
      onPing: (at) => log.onPing(at),
      onPong: (at) => log.onPong(at),
      onClose: (code, reason) => log.onClose(code, reason),
    }),
  });
  return { server, log };
}

Deno.test("Session over a real socket becomes live, is kept alive by pongs and closes cleanly", async () => {
  const { server, log } = await serveExchange();
  const session = new LoopbackSession(server.port, { keepalive: PINGING });
  await session.observed("stream_state", ({ state }) => state === "live");
  await log.nth("ping", 3);
  assert.equal(session.session.status.state.kind, "live");
  assert.deepEqual(session.frames, ["ack 1", "A"]);
  await session.session.stop();
  assert.equal((await session.observed("session_closed")).cause, "shutdown");
  assert.equal((await log.nth("close")).code, 1000);
  await server.stop();
});

Deno.test("Session over a real socket notices a server that answers no pings, and connects again", async () => {
  const { server, log } = await serveExchange({ answersPings: false });
  const session = new LoopbackSession(server.port, { keepalive: { ...PINGING, pongTimeoutMs: 50 } });
  assert.equal((await session.observed("session_closed")).cause, "pong_timeout");
  await session.observed("session_opened", () => true, 2);
  assert.ok(log.of("ping").length > 0);
  await session.session.stop();
  await server.stop();
});

Deno.test("Session over a real socket survives garbage, abrupt ends and refusals one after the other", async () => {
  let attempt = 0;
  const server = await serveRaw((socket) => {
    attempt++;
    switch (attempt) {
      case 1:
        return upgradeRaw(socket, () => socket.write(new Uint8Array([0xff, 0xff, 0xff, 0xff, 0xff, 0xff])));
      case 2:
        return upgradeRaw(socket, () => socket.destroy());
      case 3:
        socket.once("data", () => socket.end("HTTP/1.1 429 Slow\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"));
        return;
      case 4:
        socket.once("data", () => socket.end("this is not HTTP\r\n\r\n"));
        return;
      default:
        // A text frame "A" without a mask, as servers send them.
        return upgradeRaw(socket, () => socket.write(new Uint8Array([0x81, 0x01, 0x41])));
    }
  });
  const requests = [request([item("A")], { mode: "none" })];
  const session = new LoopbackSession(server.port, { requests });
  await session.observed("stream_state", ({ state }) => state === "live");
  const closed = session.observations.filter(({ kind }) => kind === "session_closed");
  assert.deepEqual(closed.map((each) => each.kind === "session_closed" && [each.cause, each.code]), [
    ["error", null],
    ["error", null],
  ]);
  assert.equal((await session.observed("connect_failed")).status, 429);
  assert.equal((await session.observed("connect_failed", () => true, 2)).code, "connect");
  await session.session.stop();
  server.stop();
});
