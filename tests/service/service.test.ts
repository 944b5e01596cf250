import assert from "node:assert/strict";
import { denoHost, type Host } from "../../src/host/mod.ts";
import { openJournal } from "../../src/journal/mod.ts";
import { buildDerivation, Failure, writeDerivation } from "../../src/model/mod.ts";
import { Service } from "../../src/service/mod.ts";
import { loadShipped } from "../support/shipped_descriptor.ts";
import { deriveAll } from "../support/journal_contents.ts";
import { ServiceRig } from "../support/service_rig.ts";

const SHIPPED_DIR = new URL("../../config", import.meta.url).pathname;

/** A host whose files fail while `failure` gives one for the path. */
function failing(host: Host, failure: (call: string, path: string) => Error | null): Host {
  const guarded = (call: "makeDir" | "open" | "lock" | "writeAtomic") => (path: string, ...rest: unknown[]) => {
    const error = failure(call, path);
    if (error !== null) return Promise.reject(error);
    const real = host.files[call] as (path: string, ...rest: unknown[]) => Promise<unknown>;
    return real(path, ...rest);
  };
  const files = new Proxy(host.files, {
    get: (target, name, receiver) =>
      name === "makeDir" || name === "open" || name === "lock" || name === "writeAtomic"
        ? guarded(name)
        : Reflect.get(target, name, receiver),
  });
  return { ...host, files };
}

/** An answer that no configuration knows. */
const ANSWER = {
  exchange: "none",
  planHash: null,
  session: null,
  request: "none",
  native: "",
  url: "",
  status: 200,
  body: new Uint8Array(),
} as const;

Deno.test("Service waits for a full disk at the start, says so on /healthz, and starts when there is room", async () => {
  let isFull = true;
  await using rig = await ServiceRig.start({
    config: "",
    wrapHost: (host) =>
      failing(
        host,
        (_, path) => isFull && path.includes("/data") ? new Failure("disk_full", "Cannot open: full") : null,
      ),
  });
  const { status, text } = await rig.get("/healthz");
  assert.equal(status, 503);
  assert.match(JSON.parse(text).config_error, /Cannot open: full/);
  isFull = false;
  await rig.until("started", async () => (await rig.health()).config_loaded);
});

Deno.test("Service.reload() survives whatever a reload throws, and takes the next file", async () => {
  let thrown: Error | null = null;
  await using rig = await ServiceRig.start({
    config: "",
    wrapHost: (host) => ({
      ...host,
      files: new Proxy(host.files, {
        get: (target, name, receiver) => {
          if (name === "readTextSync" && thrown !== null) throw thrown;
          return Reflect.get(target, name, receiver);
        },
      }),
    }),
  });
  for (const error of [new TypeError("a bug"), new Failure("file", "Cannot read")]) {
    thrown = error;
    await rig.reload("");
    const { status, problems } = await rig.health();
    assert.equal(status, "degraded");
    assert.ok(problems.some(({ code, text }) => code === "refused" && text.includes(error.message)), problems[0]?.text);
    thrown = null;
    await rig.reload("");
    assert.ok((await rig.health()).problems.every(({ code }) => code !== "refused"));
  }
});

Deno.test("Service.reload() names settings that only a restart applies", async () => {
  await using rig = await ServiceRig.start({ config: "" });
  await rig.reload('[journal]\nsegment_mb = 32\n[[sink]]\nname = "more"\ntype = "stdout"');
  assert.deepEqual((await rig.health()).config_needs_restart, ["journal.segment_mb", "sink.more"]);
  assert.ok(rig.log.some((line) => line.includes("needs a restart: journal.segment_mb, sink.more")));
  await rig.reload("");
  assert.deepEqual((await rig.health()).config_needs_restart, []);
});

Deno.test("Service lets the journal go when its start fails after opening it", async () => {
  const host = denoHost();
  const dir = await Deno.makeTempDir();
  const dataDir = `${dir}/data`;
  await Deno.writeTextFile(`${dir}/collector.toml`, `[run]\nhttp_port = 8090\ndata_dir = "${dataDir}"\n`);
  // The limits of hosts listen before the journal is opened, the collector after it.
  let listeners = 0;
  const onStep = () => {
    if (++listeners === 1) return;
    throw new Failure("file", "no clock to listen to", { retry: false });
  };
  const service = new Service({
    context: { host: { ...host, clock: { ...host.clock, onStep } }, version: "0", shippedDir: SHIPPED_DIR },
    configPath: `${dir}/collector.toml`,
    httpPort: 0,
    createObserver: () => () => {},
  });
  await assert.rejects(service.begin(), /no clock to listen to/);
  assert.ok((await Deno.stat(`${dataDir}/journal`)).isDirectory, "it was opened before");
  const journal = await openJournal({
    host,
    dir: `${dataDir}/journal`,
    plan: {
      syncMs: 5,
      segmentBytes: 64 * 1024,
      totalBytesMax: 2 ** 40,
      retainHours: 0,
      archiveDir: null,
      onFull: "block",
    },
    observer: () => {},
    checkpoint: () => [],
  });
  await journal.close();
  await service.stop();
  await Deno.remove(dir, { recursive: true });
});

Deno.test("Service records at its start that the clock was set back while nothing ran", async () => {
  const host = denoHost();
  const dir = await Deno.makeTempDir();
  const plan = {
    syncMs: 5,
    segmentBytes: 64 * 1024,
    totalBytesMax: 2 ** 40,
    retainHours: 0,
    archiveDir: null,
    onFull: "block",
  } as const;
  const open = () => openJournal({ host, dir: `${dir}/data/journal`, plan, observer: () => {}, checkpoint: () => [] });
  const fromTs = host.clock.nowMicros() + 8 * 3_600_000_000;
  const before = await open();
  before.append({ kind: "http", at: fromTs, ...ANSWER });
  await before.close();

  await Deno.writeTextFile(`${dir}/collector.toml`, `[run]\nhttp_port = 8090\ndata_dir = "${dir}/data"\n`);
  const service = new Service({
    context: { host, version: "0", shippedDir: SHIPPED_DIR },
    configPath: `${dir}/collector.toml`,
    httpPort: 0,
    createObserver: () => () => {},
  });
  await service.begin();
  await service.stop();

  const after = await open();
  const steps = [];
  for await (const chunk of after.read(after.oldest)) {
    for (const { record } of chunk) if (record.kind === "clock") steps.push(record);
  }
  await after.close();
  assert.deepEqual(steps.map((step) => step.fromTs), [fromTs]);
  assert.ok(steps[0].toTs < fromTs && steps[0].at === steps[0].toTs);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("Service tells polls that the end of the process cut off, though nothing polls them any more", async () => {
  const host = denoHost();
  const dir = await Deno.makeTempDir();
  const plan = {
    syncMs: 5,
    segmentBytes: 64 * 1024,
    totalBytesMax: 2 ** 40,
    retainHours: 24,
    archiveDir: null,
    onFull: "block",
  } as const;
  const open = () => openJournal({ host, dir: `${dir}/data/journal`, plan, observer: () => {}, checkpoint: () => [] });
  const { frames } = loadShipped("binance-usdm");
  const dedup = { enabled: false, windowSeconds: 300, keysMax: 1000 };
  const { hash, body } = writeDerivation(buildDerivation(frames, { dedup, bookTops: null }));
  const at = host.clock.nowMicros() - 60_000_000;
  const before = await open();
  before.append({ kind: "plan", at, hash, body });
  before.append({
    kind: "http",
    ...ANSWER,
    at,
    exchange: frames.exchange,
    planHash: hash,
    request: "open_interest",
    native: "BTCUSDT",
    body: new TextEncoder().encode('{"openInterest":"10.5","symbol":"BTCUSDT","time":1767225600000}'),
  });
  await before.close();

  await Deno.writeTextFile(`${dir}/collector.toml`, `[run]\nhttp_port = 8090\ndata_dir = "${dir}/data"\n`);
  // The second start has nothing more to tell.
  for (let start = 0; start < 2; start++) {
    const service = new Service({
      context: { host, version: "0", shippedDir: SHIPPED_DIR },
      configPath: `${dir}/collector.toml`,
      httpPort: 0,
      createObserver: () => () => {},
    });
    await service.begin();
    await service.stop();
  }
  const gaps: (readonly unknown[])[] = [];
  for await (const { symbol, event } of deriveAll(host.files, `${dir}/data/journal`)) {
    if (event.kind === "gap") gaps.push([symbol, event.state, event.stream, event.cause, event.from_ts]);
  }
  assert.deepEqual(gaps, [["BTC/USDT:USDT", "opened", "derivative", "stale", at]]);
  await Deno.remove(dir, { recursive: true });
});

Deno.test("Service.stop() ends at the shutdown timeout although a file never syncs, and says what it waited for", async () => {
  const host = denoHost();
  const dir = await Deno.makeTempDir();
  let hangs = false;
  const files = new Proxy(host.files, {
    get: (target, name, receiver) => {
      if (name !== "open") return Reflect.get(target, name, receiver);
      return async (path: string, mode: "read" | "append") => {
        const file = await host.files.open(path, mode);
        return new Proxy(file, {
          get: (handle, member) => {
            if (member === "sync" && hangs) return () => new Promise(() => {});
            const value = Reflect.get(handle, member, handle);
            return typeof value === "function" ? value.bind(handle) : value;
          },
        });
      };
    },
  });
  await Deno.writeTextFile(
    `${dir}/collector.toml`,
    `[run]\nhttp_port = 8090\ndata_dir = "${dir}/data"\nshutdown_timeout_ms = 1200\n[[exchange]]\nname = "x"\n` +
      `descriptor_path = "builtin:binance"\nsymbols = ["BTC/USDT"]\nchannels = ["trades"]\n` +
      `[exchange.overrides]\nurls = ["ws://127.0.0.1:9"]\n`,
  );
  const service = await Service.start({
    context: { host: { ...host, files }, version: "0", shippedDir: SHIPPED_DIR },
    configPath: `${dir}/collector.toml`,
    httpPort: 0,
    createObserver: () => () => {},
  });
  hangs = true;
  const end = await service.stop();
  assert.equal(end.isSafe, false);
  assert.deepEqual(end.unfinished, ["the journal's close"], "sinks had their turn all the same");
  await Deno.remove(dir, { recursive: true });
});
