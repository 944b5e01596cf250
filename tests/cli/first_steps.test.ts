import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { runCli } from "../support/captured_cli.ts";
import { serveConnectProxy } from "../support/connect_proxy.ts";

const host = denoHost();

function shippedNames(): readonly string[] {
  const names = host.files.namesSync(new URL("../../config/exchanges", import.meta.url).pathname);
  return names.filter((name) => name.endsWith(".toml")).map((name) => name.slice(0, -5));
}

async function inTempDir(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await host.files.makeTempDir("first-steps");
  try {
    await body(dir);
  } finally {
    await host.files.removeTree(dir);
  }
}

Deno.test("init writes a configuration of any exchange that is right", async () => {
  await inTempDir(async (dir) => {
    const names = shippedNames();
    const file = `${dir}/all.toml`;
    const { code, out, err } = await runCli(["init", "--exchange", ...names, "--output", file]);
    assert.equal(code, 0, err);
    assert.match(out, /Wrote .*\.toml/);
    // What it writes was checked before it was written; once more as a user does.
    const checked = await runCli(["validate", "--config", file]);
    assert.ok(
      checked.out.includes(`No issues; ${names.length} exchange instances, ${names.length} enabled`),
      checked.out,
    );
  });
});

Deno.test("init takes what options say, asks for the rest, and writes over nothing unasked", async () => {
  await inTempDir(async (dir) => {
    const file = `${dir}/my.toml`;
    const asked = await runCli(["init", "--output", file], { answers: ["okx kraken", "ETH/USDT", "trades", dir] });
    assert.equal(asked.code, 0, asked.err);
    const text = await host.files.readText(file) ?? "";
    assert.match(text, /descriptor_path = "builtin:okx"\nsymbols = \["ETH\/USDT"\]\nchannels = \["trades"\]/);
    assert.match(text, /descriptor_path = "builtin:kraken"/);
    const again = await runCli(["init", "--exchange", "okx", "--output", file]);
    assert.equal(again.code, 64);
    assert.match(again.err, /exists: name another file with --output, or say --force/);
    assert.equal(await host.files.readText(file), text);
    assert.equal((await runCli(["init", "--exchange", "okx", "--output", file, "--force"])).code, 0);
    assert.notEqual(await host.files.readText(file), text);
  });
});

Deno.test("init and validate suggest the exchange that was meant", async () => {
  await inTempDir(async (dir) => {
    const { code, err } = await runCli(["init", "--exchange", "binanse", "--output", `${dir}/x.toml`]);
    assert.equal(code, 64);
    assert.match(err, /did you mean binance\?/);
    await host.files.writeAtomic(
      `${dir}/y.toml`,
      new TextEncoder().encode(
        '[run]\nhttp_port = 1\n[[exchange]]\nname = "a"\ndescriptor_path = "builtin:binanse"\nsymbols = ["BTC/USDT"]\nchannels = ["trades"]\n',
      ),
    );
    const checked = await runCli(["validate", "--config", `${dir}/y.toml`]);
    assert.match(checked.out, /No descriptor "binanse" is shipped with the program: did you mean "binance"\?/);
  });
});

Deno.test("exchanges lists every shipped descriptor, and tells what one takes", async () => {
  const all = await runCli(["exchanges"]);
  for (const name of shippedNames()) assert.match(all.out, new RegExp(`^${name} `, "m"));
  const one = await runCli(["exchanges", "okx"]);
  assert.match(one.out, /book\s+"books"\s+or books5: the whole of five levels each time/);
  assert.match(one.out, /descriptor_path = "builtin:okx"/);
  const text = await runCli(["exchanges", "okx", "--descriptor"]);
  assert.match(text.out, /^\[meta\]\nname = "okx"/m);
  assert.equal((await runCli(["exchanges", "nowhere"])).code, 64);
});

Deno.test("health tells how a collector is, and fails where none answers", async () => {
  const answer = (status: string, problems: unknown[]) => ({ service: "c", version: "1", status, problems });
  let current = answer("ok", []);
  const server = await host.listener.serveHttp({ host: "127.0.0.1", port: 0 }, (request) => {
    const isReady = new URL(request.url).pathname === "/readyz";
    const status = isReady && current.problems.length > 0 ? 503 : current.status === "error" ? 503 : 200;
    return Response.json(current, { status });
  });
  const url = `http://127.0.0.1:${server.port}`;
  try {
    assert.deepEqual(await runCli(["health", "--url", url, "--ready"]), {
      code: 0,
      out: `ok: c 1 at ${url}\n`,
      err: "",
    });
    current = answer("degraded", [{ scope: "sink", name: "archive", text: "is away", since: null }]);
    const degraded = await runCli(["health", "--url", url]);
    assert.equal(degraded.code, 0);
    assert.match(degraded.out, /^- sink archive: is away$/m);
    assert.equal((await runCli(["health", "--url", url, "--ready"])).code, 1);
    current = answer("error", []);
    assert.equal((await runCli(["health", "--url", url])).code, 1);
  } finally {
    await server.stop();
  }
  const away = await runCli(["health", "--url", url]);
  assert.equal(away.code, 1);
  assert.match(away.err, /Request failed/);
  assert.equal((await runCli(["health", "--config", "/nowhere/c.toml"])).code, 64);
});

Deno.test("doctor measures the disk, tries the port and every address, and fails where one is refused", async () => {
  await inTempDir(async (dir) => {
    const sockets = await host.listener.serveSockets({
      host: "127.0.0.1",
      port: 0,
      answer: () => new Response("{}"),
      accept: () => ({ onFrame: () => {}, onPing: () => {}, onPong: () => {}, onClose: () => {} }),
    });
    const config = (url: string) =>
      `[run]\nhttp_port = 1\ndata_dir = "${dir}/data"\n[[exchange]]\nname = "a"\ndescriptor_path = "builtin:bitflyer"\n` +
      `symbols = ["BTC/JPY"]\nchannels = ["trades"]\n[exchange.overrides]\nurls = ["${url}"]\n`;
    const write = (text: string) => host.files.writeAtomic(`${dir}/c.toml`, new TextEncoder().encode(text));
    const free = await host.listener.serveHttp({ host: "127.0.0.1", port: 0 }, () => new Response(""));
    try {
      const live = config(`ws://127.0.0.1:${sockets.port}/`).replace("http_port = 1", `http_port = ${free.port}`);
      await write(live);
      const held = await runCli(["doctor", "--config", `${dir}/c.toml`, "--json"]);
      await free.stop();
      const checks: { verdict: string; about: string; text: string }[] = JSON.parse(held.out);
      assert.equal(held.code, 1, "the port is held");
      assert.equal(checks.find(({ about }) => about.startsWith("port"))?.verdict, "failed");
      assert.match(checks.find(({ about }) => about.includes("ws://"))?.text ?? "", /^opens in \d+ ms$/);
      assert.match(checks.find(({ about }) => about.startsWith("folder"))?.text ?? "", /MiB\/s/);
      assert.deepEqual(await host.files.list(`${dir}/data`), []);
      const offline = await runCli(["doctor", "--config", `${dir}/c.toml`, "--offline"]);
      assert.equal(offline.code, 0, offline.out);
      assert.doesNotMatch(offline.out, /ws:/);
    } finally {
      await sockets.stop();
      await free.stop();
    }
    const refused = await runCli(["doctor", "--config", `${dir}/c.toml`]);
    assert.equal(refused.code, 1);
    assert.match(refused.out, /^FAILED\s+a ws:\/\/127\.0\.0\.1:\d+\/: /m);
  });
});

Deno.test("doctor goes to an instance's addresses as the collector does: through its proxy", async () => {
  await inTempDir(async (dir) => {
    await using proxy = await serveConnectProxy();
    const sockets = await host.listener.serveSockets({
      host: "127.0.0.1",
      port: 0,
      answer: () => new Response("{}"),
      accept: () => ({ onFrame: () => {}, onPing: () => {}, onPong: () => {}, onClose: () => {} }),
    });
    try {
      await host.files.writeAtomic(
        `${dir}/c.toml`,
        new TextEncoder().encode(
          `[run]\nhttp_port = 1\ndata_dir = "${dir}/data"\n[[exchange]]\nname = "a"\n` +
            `descriptor_path = "builtin:bitflyer"\nsymbols = ["BTC/JPY"]\nchannels = ["trades"]\n` +
            `[exchange.overrides]\nurls = ["ws://127.0.0.1:${sockets.port}/"]\nproxy = "${proxy.url}"\n`,
        ),
      );
      const { out } = await runCli(["doctor", "--config", `${dir}/c.toml`]);
      assert.match(out, /^ok\s+a ws:.*: opens in \d+ ms$/m);
      assert.ok(proxy.asked.some((line) => line.startsWith(`CONNECT 127.0.0.1:${sockets.port} `)), proxy.asked.join());
    } finally {
      await sockets.stop();
    }
  });
});
