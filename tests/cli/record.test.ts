import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { NO_FAULTS, startSimulator } from "../../src/simulator/mod.ts";
import { runCli } from "../support/captured_cli.ts";

Deno.test("record writes frames over connections that are cut off, and replay reads what it wrote", async () => {
  const dir = await Deno.makeTempDir({ prefix: "collector-record-" });
  const host = denoHost();
  const simulator = await startSimulator({
    host,
    dialect: "binance",
    port: 0,
    address: "127.0.0.1",
    speed: 1,
    rate: 200,
    seed: 1,
    symbols: ["BTC/USDT"],
    faults: { ...NO_FAULTS, disconnectEvery: { kind: "frames", count: 40 } },
  });
  try {
    const path = `${dir}/frames.jsonl`;
    const address = Object.values(simulator.urls.ws)[0];
    const send = '{"method":"SUBSCRIBE","params":["btcusdt@trade"],"id":1}';
    const lines = async () =>
      (await Deno.readTextFile(path).catch(() => "")).trimEnd().split("\n").filter(Boolean).map((line) =>
        JSON.parse(line)
      );
    const reconnected = async () => {
      while ((await lines()).filter(({ dir }) => dir === "open").length < 2) await host.clock.sleep(20);
    };
    const interrupted = reconnected();
    const { code, out } = await runCli(["record", address, "--send", send, "--to", path], { interrupted });
    assert.equal(code, 0, out);
    const written = await lines();
    assert.deepEqual(written.slice(0, 2).map(({ dir }) => dir), ["open", "out"]);
    assert.equal(written[1].data, send);
    assert.equal(written.at(-1).dir, "close");
    assert.ok(written.filter(({ dir }) => dir === "open").length > 1, "it connected again");
    assert.ok(written.every(({ t }, index) => index === 0 || t >= written[index - 1].t));
    const replayed = await runCli(["replay", path, "--exchange", "binance"]);
    assert.match(replayed.out, /trade/);
    assert.equal((await runCli(["record", address, "--for", "1s", "--to", path])).code, 64, "it is not empty");
  } finally {
    await simulator.stop();
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("record says at once that an address is wrong", async () => {
  const dir = await Deno.makeTempDir({ prefix: "collector-record-" });
  try {
    for (const url of ["http://host/", "host", "ws://"]) {
      assert.equal((await runCli(["record", url, "--to", `${dir}/a`])).code, 64, url);
    }
    const refused = await runCli(["record", "ws://127.0.0.1:1/", "--to", `${dir}/b`, "--for", "30s"]);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /127\.0\.0\.1/);
    assert.equal((await runCli(["record", "ws://127.0.0.1:1/", "--header", "no", "--to", `${dir}/c`])).code, 64);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("learn drafts a descriptor that validates and says how much of the recording it reads", async () => {
  const dir = await Deno.makeTempDir({ prefix: "collector-learn-" });
  try {
    const frame = (index: number) => ({
      t: 1_795_305_600_000_000 + index,
      dir: "in",
      data: JSON.stringify({
        type: "match",
        symbol: "BTC-USD",
        price: "1",
        size: "2",
        side: "buy",
        id: index,
        time: 1_795_305_600_000,
      }),
    });
    const lines = [{ t: 1_795_305_600_000_000, dir: "open", url: "wss://host/ws" }, frame(1), frame(2), frame(3)];
    await Deno.writeTextFile(`${dir}/frames.jsonl`, lines.map((line) => JSON.stringify(line)).join("\n"));
    const { code, err } = await runCli(["learn", `${dir}/frames.jsonl`, "--name", "mine", "--to", `${dir}/mine.toml`]);
    assert.equal(code, 0, err);
    assert.match(err, /reads 3 of 3 frames as events \(3 trade\), 0 with faults/);
    const again = await runCli(["learn", `${dir}/frames.jsonl`, "--to", `${dir}/mine.toml`]);
    assert.equal(again.code, 64, "it is not written over");
    const replayed = await runCli(["replay", `${dir}/frames.jsonl`, "--exchange", `${dir}/mine.toml`]);
    assert.equal(replayed.code, 0, replayed.err);
    await Deno.writeTextFile(`${dir}/empty.jsonl`, "");
    assert.equal((await runCli(["learn", `${dir}/empty.jsonl`])).code, 64);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
