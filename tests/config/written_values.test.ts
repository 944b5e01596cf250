import assert from "node:assert/strict";
import { loadConfig } from "../../src/config/mod.ts";
import { COLLECTOR, INSTANCE, loadFiles, RUN } from "./support.ts";
import { buildExchange } from "../../src/config/plan/mod.ts";

const DESCRIPTOR = `[meta]
name = "okx"
version = "1.4"

[args]
v = 1.0
w = 1_000.50
x = +5
y = 2e3
z = 0x10
day = 2024-01-01 10:00:00Z

[[ws.connections]]
id = "main"
urls = ["wss://x.test/ws"]

[[subscriptions]]
connection_id = "main"
unsubscribe = [{ at = "/op", value = 0.10 }]
ack = { field = "/version", value = 1.0 }
generator = '''
foreach (s in symbols) {
  emit('{"op":1,"s":"{symbol}","v":"{arg:v}","w":"{arg:w}","x":"{arg:x}","y":"{arg:y}","z":"{arg:z}","d":"{arg:day}"}');
}
'''

[parse]
channel = "/channel"
symbol = "/symbol"
`;

function load(descriptor: string, collector: string, environment: Record<string, string> = {}) {
  return loadFiles(buildExchange, { [COLLECTOR]: collector, "okx.toml": descriptor }, { environment });
}

Deno.test("a number, date or time that becomes text is the text that is written", () => {
  const { exchanges, issues } = load(DESCRIPTOR, `${RUN}${INSTANCE}[exchange.overrides]\nw = 7.70\n`);
  assert.deepEqual(issues.filter(({ severity }) => severity === "error"), []);
  const plan = JSON.stringify(exchanges[0].runnable);
  const shown = plan.replaceAll("\\", "");
  assert.match(shown, /"v":"1\.0","w":"7\.70","x":"5","y":"2e3","z":"16","d":"2024-01-01 10:00:00Z"/);
  assert.match(shown, /"op":0\.10/);
  assert.match(shown, /"texts":\["1\.0"\]/);
});

Deno.test("~/ is the home folder in every path, and another user's home is refused at its place", () => {
  const asked: string[] = [];
  const descriptor = DESCRIPTOR.replace(
    'urls = ["wss://x.test/ws"]',
    'urls = ["wss://x.test/ws"]\ntls = { enabled = true, ca_cert_path = "~/ca.pem" }',
  ) + '[maps]\nsymbol_map_file = "~/map.toml"\n';
  const collector = `${RUN}data_dir = "~/data"\n[[sink]]\ntype = "ndjson"\nname = "n"\ndir = "~/out"\n` +
    INSTANCE.replace('"okx.toml"', '"~/okx.toml"');
  const read = (home: string | undefined, text = collector) =>
    loadConfig({
      path: COLLECTOR,
      readText: (path) => {
        asked.push(path);
        return path === COLLECTOR ? text : path.endsWith("okx.toml") ? descriptor : null;
      },
      environment: (name) => name === "HOME" ? home : undefined,
      builtin: () => null,
    });
  const { plan, exchanges } = read("/home/me");
  assert.equal(plan?.run.dataDir, "/home/me/data");
  assert.equal(plan?.sinks[0].options.dir, "/home/me/out");
  assert.deepEqual(asked.filter((path) => path.includes("~")), []);
  assert.ok(asked.includes("/home/me/okx.toml") && asked.includes("/home/me/map.toml"));
  assert.match(JSON.stringify(exchanges[0].runnable), /"caCertPath":"\/home\/me\/ca\.pem"/);
  const unknown = read(undefined).issues.filter(({ message }) => /HOME is not set/.test(message));
  assert.deepEqual(unknown.map(({ sourceLine }) => sourceLine.split(" ")[0]), ["data_dir", "dir", "descriptor_path"]);
  const other = read("/home/me", collector.replace("~/data", "~root/data"));
  assert.equal(other.plan, null);
  assert.match(other.issues[0].message, /whose home folder "~root\/data"/);
});
