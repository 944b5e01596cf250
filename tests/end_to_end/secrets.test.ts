import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { entriesOf } from "../support/journal_contents.ts";
import { ServiceRig } from "../support/service_rig.ts";
import { listFiles } from "../support/stored_events.ts";

const SECRET = "s3cret/of+one";
/** What no text may hold, however it is spelled. */
const SPELLED = /s3cret|of(?:\+|%2[Bb])one/;

/** An exchange that repeats what it was asked by, in its words and in its closes. */
async function serveEcho() {
  const host = denoHost();
  const asked: string[] = [];
  const server = await host.listener.serveSockets({
    host: "127.0.0.1",
    port: 0,
    answer: (request) =>
      new Response(JSON.stringify({ code: -2015, msg: `No key in ${request.url}` }), { status: 403 }),
    accept: (connection, url) => {
      asked.push(url);
      return {
        onFrame: () => {
          connection.send(JSON.stringify({ id: 1, error: { code: 2, msg: `Unknown key ${SECRET} in ${url}` } }));
          connection.close(1008, `No such key: ${encodeURIComponent(SECRET)} ${url}`);
        },
        onPing: () => {},
        onPong: () => {},
        onClose: () => {},
      };
    },
  });
  return { ...server, asked };
}

Deno.test("nothing that the program shows or keeps of a session tells a secret that an exchange echoes", async () => {
  const server = await serveEcho();
  const address = `127.0.0.1:${server.port}`;
  await using rig = await ServiceRig.start({
    variables: { KEY: SECRET },
    config: `
[[exchange]]
name = "binance"
descriptor_path = "builtin:binance"
symbols = ["BTC/USDT"]
channels = ["trades", "book"]
[exchange.overrides]
urls = ["ws://${address}/ws/\${KEY}?key=\${KEY}"]
base_urls = ["http://${address}/\${KEY}"]
`,
  });
  await rig.until(
    "closed three times",
    async () => await rig.metric("collector_sessions_closed_total", { exchange: "binance", cause: "peer" }) >= 3,
  );
  assert.ok(server.asked.some((url) => url.includes("s3cret")), "the secret was sent");
  const shown = [await rig.get("/healthz"), await rig.get("/readyz"), await rig.get("/metrics")].map(({ text }) =>
    text
  );
  await rig.stop();
  await server.stop();
  const files = await listFiles(rig.host.files, `${rig.dir}/data/ndjson`);
  const delivered = await Promise.all(files.map((path) => Deno.readTextFile(path)));
  for (const text of [...shown, ...rig.log, ...delivered]) assert.ok(!SPELLED.test(text), text);
  assert.ok(rig.log.some((line) => line.includes("{env:KEY}")));
  let closes = 0;
  for await (const { record } of entriesOf(rig.host.files, `${rig.dir}/data/journal`)) {
    // Frames and answers are kept as they came.
    if (record.kind === "frame") continue;
    const { ...fields } = record.kind === "http" ? { ...record, body: null } : record;
    assert.ok(!SPELLED.test(JSON.stringify(fields)), JSON.stringify(fields));
    if (record.kind === "closed" && record.reason.includes("{env:KEY}")) closes++;
  }
  assert.ok(closes >= 3);
});
