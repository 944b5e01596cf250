import assert from "node:assert/strict";
import { loadConfig } from "../../src/config/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import { ISSUES_MAX } from "../../src/model/mod.ts";
import { COLLECTOR, DESCRIPTOR, INSTANCE, RUN, type TestFiles } from "./support.ts";

const SECRET = "hunter2-s3cret";

function load(files: TestFiles) {
  return loadConfig({
    path: COLLECTOR,
    readText: (path) => files[path] ?? null,
    environment: () => undefined,
    builtin: () => null,
  });
}

/** Descriptor that names a map. */
const MAPPED = `${DESCRIPTOR}[maps]\nsymbol_map_file = "map.toml"\n`;

for (
  const [what, text] of [
    ["lines of a password file", `root:x:0:0:${SECRET}:/root:/bin/sh\n`],
    ["a key file", `-----BEGIN KEY-----\n${SECRET}\n-----END KEY-----\n`],
    ["an environment file", `API_KEY=${SECRET}\n`],
    ["a shell script", `#!/bin/sh\nexport TOKEN="${SECRET}\n`],
    ["broken JSON", `{"token": "${SECRET}`],
    ["tables of another program", `[registry]\ntoken = "${SECRET}"\n[registry.token2]\na = ["${SECRET}"]\n`],
  ] as const
) {
  for (
    const [where, files] of [
      ["a map", { [COLLECTOR]: RUN + INSTANCE, "okx.toml": MAPPED, "../map.toml": text, "map.toml": text }],
      ["a JSON map", {
        [COLLECTOR]: RUN + INSTANCE,
        "okx.toml": MAPPED.replace("map.toml", "map.json"),
        "map.json": text,
      }],
      ["a descriptor", { [COLLECTOR]: RUN + INSTANCE, "okx.toml": text }],
      ["the configuration", { [COLLECTOR]: text }],
    ] as const
  ) {
    Deno.test(`loadConfig() shows nothing of ${what} where ${where} is expected`, () => {
      const { issues } = load(files);
      assert.ok(issues.length > 0);
      assert.ok(!JSON.stringify(issues).includes(SECRET), JSON.stringify(issues, null, 1));
    });
  }
}

Deno.test("loadConfig() shows the line of a map, a descriptor or a configuration that is broken", () => {
  const map = load({
    [COLLECTOR]: RUN + INSTANCE,
    "okx.toml": MAPPED,
    "map.toml": '"BTC/USDT" = "BTCUSDT"\n"ETH/USDT" = ETHUSDT\n',
  });
  assert.ok(map.issues.some(({ file, sourceLine }) => file === "map.toml" && sourceLine.includes("ETHUSDT")));
  const descriptor = load({ [COLLECTOR]: RUN + INSTANCE, "okx.toml": `${DESCRIPTOR}[maps\n` });
  assert.ok(descriptor.issues.some(({ sourceLine }) => sourceLine === "[maps"));
  const config = load({ [COLLECTOR]: `${RUN}log_level = info\n` });
  assert.ok(config.issues.some(({ sourceLine }) => sourceLine === "log_level = info"));
});

/** Texts of about a million characters, each of which ends some parser. */
const HUGE: Readonly<Record<string, string>> = {
  "deep lists": `a = ${"[".repeat(400_000)}${"]".repeat(400_000)}`,
  "deep tables": `a = ${"{a=".repeat(200_000)}1${"}".repeat(200_000)}`,
  "a long dotted key": `${"a.".repeat(400_000)}a = 1`,
  "a long table name": `[${"a.".repeat(400_000)}a]`,
  "a long string": `meta.name = "${"x".repeat(900_000)}"`,
  "a long multi-line string": `meta.name = '''\n${"x\n".repeat(450_000)}'''`,
  "many strings": `meta.notes = [${'"a",'.repeat(40_000)}]`,
  "many wrong values": `meta.notes = [${"1,".repeat(10_000)}]`,
  "many digits": `a = 0.${"1".repeat(900_000)}`,
  "many keys": Array.from({ length: 20_000 }, (_, i) => `k${i} = "v"`).join("\n"),
  "characters": "x".repeat(1_000_000),
  "no end": `a = """${"x".repeat(1_000_000)}`,
  "more than is read": "#".repeat(5_000_000),
};

for (const [what, text] of Object.entries(HUGE)) {
  Deno.test(`loadConfig() gives precise issues of a text with ${what}`, () => {
    for (
      const files of <TestFiles[]> [
        { [COLLECTOR]: text },
        { [COLLECTOR]: RUN + INSTANCE, "okx.toml": text },
        { [COLLECTOR]: RUN + INSTANCE, "okx.toml": MAPPED, "map.toml": text },
      ]
    ) {
      const { issues } = load(files);
      assert.ok(issues.length <= 2 * ISSUES_MAX + 10, String(issues.length));
      for (const { message, line } of issues) {
        assert.ok(!/call stack|RangeError/.test(message), message);
        assert.ok(line >= 1);
      }
    }
  });
}

Deno.test("loadConfig() says where a text nests too deep", () => {
  const { issues } = load({ [COLLECTOR]: `${RUN}\n[journal]\nsync_ms = ${"[".repeat(80)}${"]".repeat(80)}\n` });
  assert.deepEqual(issues.map(({ line, column }) => [line, column]), [[5, 10 + 65]]);
});

Deno.test({
  name: "readTextSync() refuses folders, devices, pipes and files that are too large at once",
  ignore: Deno.build.os === "windows",
  async fn() {
    const { files } = denoHost();
    const dir = await files.makeTempDir("foreign");
    try {
      const pipe = `${dir}/pipe`;
      assert.ok((await new Deno.Command("mkfifo", { args: [pipe] }).output()).success);
      const large = `${dir}/large`;
      await Deno.writeFile(large, new Uint8Array(5 * 1024 * 1024));
      const config = `${dir}/${COLLECTOR}`;
      for (const path of ["/dev/zero", "/dev/random", pipe, dir, large]) {
        assert.throws(() => files.readTextSync(path), { name: "Failure" });
        const at = (instance: string, descriptor: string) => ({
          [config]: RUN + instance,
          [`${dir}/okx.toml`]: descriptor,
        } as Record<string, string>);
        const cases = [
          { path, files: {} as Record<string, string> },
          { path: config, files: at(INSTANCE.replace('"okx.toml"', JSON.stringify(path)), "") },
          { path: config, files: at(INSTANCE, MAPPED.replace('"map.toml"', JSON.stringify(path))) },
        ];
        for (const { path: named, files: texts } of cases) {
          const { issues } = loadConfig({
            path: named,
            readText: (wanted) => texts[wanted] ?? files.readTextSync(wanted),
            environment: () => undefined,
            builtin: () => null,
          });
          const told = issues.filter(({ severity, message }) => severity === "error" && message.includes(path));
          assert.equal(told.length, 1, JSON.stringify(issues.map(({ message }) => message)));
        }
      }
      assert.equal(files.readTextSync(`${dir}/none`), null);
    } finally {
      await files.removeTree(dir);
    }
  },
});
