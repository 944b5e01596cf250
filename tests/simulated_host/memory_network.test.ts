import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { Failure } from "../../src/model/mod.ts";
import { World } from "../../src/simulated_host/mod.ts";
import { seeded } from "../support/seeded.ts";

const SHIPPED = { dir: "/nowhere", files: denoHost().files };

async function rig() {
  const world = new World({ random: seeded(1), shipped: SHIPPED });
  const [server, client] = [world.process(), world.process()];
  const seen: string[] = [];
  const { port } = await server.host.listener.serveSockets({
    host: "127.0.0.1",
    port: 0,
    answer: (request) => new Response(`${request.method} ${new URL(request.url).pathname}`),
    accept: (connection, url) => {
      connection.send(`hello ${url}`);
      return {
        onFrame: (payload) => connection.send(`echo ${new TextDecoder().decode(payload)}`),
        onPing: () => seen.push("ping"),
        onPong: () => {},
        onClose: (code) => seen.push(`server closed ${code}`),
      };
    },
  });
  const dial = () =>
    client.host.dialer.dial({
      url: `ws://any.example:${port}/path?a=1`,
      headers: {},
      compression: false,
      caCertPath: null,
      timeoutMs: 1000,
      frameBytesMax: 1000,
    }, {
      onFrame: (payload) => seen.push(new TextDecoder().decode(payload)),
      onPing: () => {},
      onPong: () => seen.push("pong"),
      onClose: (code, reason) => seen.push(`client closed ${code} ${reason}`),
    });
  const settled = async <T>(promise: Promise<T>): Promise<T | Failure> => {
    const end = promise.catch((error: unknown) => {
      if (error instanceof Failure) return error;
      throw error;
    });
    await world.clock.advance(2000);
    return await end;
  };
  return { world, client, port, seen, dial, settled };
}

Deno.test("MemoryNetwork carries frames both ways in order, answers pings, and closes in order", async () => {
  const { world, seen, dial, settled } = await rig();
  const connection = await settled(dial());
  assert.ok(!(connection instanceof Failure));
  for (const text of ["one", "two"]) connection.send(text);
  connection.ping();
  await world.clock.advance(100);
  connection.close(1000, "done");
  await world.clock.advance(100);
  assert.deepEqual(
    seen,
    [
      "hello /path?a=1",
      "ping",
      "echo one",
      "echo two",
      "pong",
      "client closed 1000 ",
      "server closed 1000",
    ].sort((a, b) => seen.indexOf(a) - seen.indexOf(b)),
  );
  assert.equal(seen.length, 7);
});

Deno.test("MemoryNetwork holds what is sent into a cut, delivers it afterwards, and refuses or forgets new calls", async () => {
  const { world, client, port, seen, dial, settled } = await rig();
  const connection = await settled(dial());
  assert.ok(!(connection instanceof Failure));
  const link = world.network.link(port);
  link.cut = true;
  connection.send("held");
  const request = {
    method: "GET",
    url: `http://any.example:${port}/x`,
    headers: {},
    body: null,
    caCertPaths: [],
    timeoutMs: 500,
    bytesMax: 100,
  } as const;
  const late = await settled(client.host.fetcher.fetch(request));
  assert.ok(late instanceof Failure && late.code === "timeout");
  assert.ok(!seen.includes("echo held"));
  link.cut = false;
  await world.clock.advance(10);
  assert.ok(seen.includes("echo held"));
  link.unknown = true;
  const unknown = await settled(dial());
  assert.ok(unknown instanceof Failure && unknown.code === "connect");
  link.unknown = false;
  const answer = await settled(client.host.fetcher.fetch(request));
  assert.ok(!(answer instanceof Failure));
  assert.equal(new TextDecoder().decode(answer.body), "GET /x");
});

Deno.test("World.process().kill() ends its connections at the other end, and tells the dead nothing", async () => {
  const { world, client, seen, dial, settled } = await rig();
  await settled(dial());
  client.kill();
  await world.clock.advance(100);
  assert.deepEqual(seen, ["hello /path?a=1", "server closed null"]);
});
