import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { runCli } from "../support/captured_cli.ts";
import { listFiles, readParquet } from "../support/stored_events.ts";

const { files } = denoHost();
const FORMAT_1 = "tests/fixtures/journal_format_1/journal";
/** The fixture's day. */
const DAY = "2026-11-28";

async function withData(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await files.makeTempDir("rebuild");
  try {
    await files.makeDir(`${dir}/data/parquet`);
    await Deno.writeTextFile(
      `${dir}/my.toml`,
      `[run]
http_port = 8090
data_dir = "${dir}/data"

[[exchange]]
name = "binance"
descriptor_path = "builtin:binance"
symbols = ["BTC/USDT"]
channels = ["trades", "quotes"]
`,
    );
    await body(dir);
  } finally {
    await files.removeTree(dir);
  }
}

Deno.test("rebuild derives a journal of format 1 by today's descriptors, and the same bytes the second time", async () => {
  await withData(async (dir) => {
    const args = ["rebuild", "--config", `${dir}/my.toml`, "--journal", FORMAT_1, "--from", DAY];
    const dry = await runCli([...args, "--dry-run"]);
    assert.equal(dry.code, 0, dry.err);
    assert.match(dry.out, /kind=trade\/exchange=binance\/date=2026-11-28 +differs/);
    assert.deepEqual((await listFiles(files, `${dir}/data/parquet`)).filter((path) => path.endsWith(".parquet")), []);
    const first = await runCli(args);
    assert.equal(first.code, 0, first.err);
    const paths = (await listFiles(files, `${dir}/data/parquet`)).filter((path) => path.endsWith(".parquet"));
    const rows = await readParquet(files, paths.find((path) => path.includes("kind=trade/")) ?? "");
    assert.ok(rows.length > 0 && rows.every(({ symbol }) => symbol === "BTC/USDT"));
    const bytes = await Promise.all(paths.map((path) => files.readBytes(path)));
    const second = await runCli([...args, "--json"]);
    const { partitions } = JSON.parse(second.out);
    assert.deepEqual([...new Set(partitions.map(({ outcome }: { outcome: string }) => outcome))], ["unchanged"]);
    assert.deepEqual(await Promise.all(paths.map((path) => files.readBytes(path))), bytes);
  });
});

Deno.test("rebuild says what is wrong with its options, its journal and the configuration's sink", async () => {
  await withData(async (dir) => {
    const args = ["rebuild", "--config", `${dir}/my.toml`, "--from"];
    const none = await runCli([...args, DAY]);
    assert.match(none.err, /there is no journal .*data\/journal; --journal names another/);
    assert.equal((await runCli([...args, "yesterday"])).code, 64);
    assert.match((await runCli([...args, DAY, "--to", "2026-11-27"])).err, /lies before/);
    const other = await runCli([...args, DAY, "--journal", FORMAT_1, "--exchange", "nobody"]);
    assert.match(other.err, /No exchange instance nobody runs: there are binance/);
    assert.match(
      (await runCli([...args, DAY, "--journal", FORMAT_1, "--sink", "lines"])).err,
      /--sink takes one of the parquet sinks archive, not lines/,
    );
  });
});

Deno.test("rebuild derives what came before an until by the earlier descriptor, which stands beside today's", async () => {
  await withData(async (dir) => {
    const text = await Deno.readTextFile("config/exchanges/binance.toml");
    const maps = text.replaceAll('symbol_map_file = "maps/', `symbol_map_file = "${Deno.cwd()}/config/maps/`);
    // Today's descriptor knows trades by a name that the old frames do not have.
    await Deno.writeTextFile(
      `${dir}/today.toml`,
      `${
        maps.replaceAll('"/data/e" = ["trade", "aggTrade"]', '"/data/e" = ["execution"]')
      }\n[[valid]]\nuntil = "2026-11-29"\ndescriptor_path = "old.toml"\n`,
    );
    await Deno.writeTextFile(`${dir}/old.toml`, maps);
    const config = (await Deno.readTextFile(`${dir}/my.toml`)).replace("builtin:binance", `${dir}/today.toml`);
    await Deno.writeTextFile(`${dir}/my.toml`, config);
    const args = ["rebuild", "--config", `${dir}/my.toml`, "--journal", FORMAT_1, "--from", DAY];
    const { out, err, code } = await runCli([...args, "--dry-run"]);
    assert.equal(code, 0, err);
    assert.match(out, /kind=trade\/exchange=binance/);
    await Deno.remove(`${dir}/old.toml`);
    const missing = await runCli(args);
    assert.match(missing.err, /Cannot find descriptor ".*old\.toml"/);
    assert.match(missing.err, /its earlier descriptor .* cannot be used/);
    assert.equal((await runCli(["validate", "--config", `${dir}/my.toml`])).code, 0, "the instance runs by today's");
  });
});
