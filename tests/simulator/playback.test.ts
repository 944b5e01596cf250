import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { readRecordingFile } from "../../src/cli/recording.ts";
import { denoHost } from "../../src/host/mod.ts";
import { Failure } from "../../src/model/mod.ts";
import {
  acknowledgeAs,
  formatRecordingLine,
  parseRecordingLine,
  type PlaybackOptions,
  readRecording,
  type RecordedLine,
  startPlayback,
} from "../../src/simulator/mod.ts";
import { dialClient, hangUp } from "../support/simulator_rig.ts";

const T = 1_700_000_000_000_000;
const RECORDINGS = new URL("../../../shared/recordings/", import.meta.url);

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function frame(dir: "in" | "out", text: string, t = T): RecordedLine {
  return { dir, t, binary: false, payload: bytes(text) };
}

function open(url: string): RecordedLine {
  return { dir: "open", t: T, url, inferred: false };
}

async function* iterate<X>(items: readonly X[]): AsyncIterable<X> {
  yield* items;
}

async function collect(chunks: readonly Uint8Array[]): Promise<RecordedLine[]> {
  const lines: RecordedLine[] = [];
  for await (const line of readRecording(iterate(chunks), "sample")) lines.push(line);
  return lines;
}

async function withPlayback(
  options: Omit<PlaybackOptions, "host" | "port" | "speed"> & { readonly speed?: number },
  use: (playback: Awaited<ReturnType<typeof startPlayback>>) => Promise<void>,
): Promise<void> {
  const playback = await startPlayback({ host: denoHost(), port: 0, speed: 0, ...options });
  try {
    await use(playback);
  } finally {
    await playback.stop();
  }
}

const host = denoHost();

Deno.test("startPlayback() sends the recorded frames byte for byte and in order, text and binary", async () => {
  const binary = new Uint8Array([0, 255, 1, 254, 31, 139]);
  const lines: RecordedLine[] = [
    open("wss://a.example/ws?x=1"),
    frame("in", '{"price":"1.10","big":123456789012345678901234}'),
    { dir: "in", t: T + 1, binary: true, payload: binary },
    frame("out", "ignored"),
    frame("in", "\uFEFFnot json ☃ \u0000"),
    frame("in", ""),
  ];
  await withPlayback({ recording: () => iterate(lines), waitForClient: false }, async (playback) => {
    const client = await dialClient(host, playback.urls.ws.section1);
    await playback.finished;
    const got = client.log.of("frame");
    assert.deepEqual(got.map((one) => one.binary), [false, true, false, false]);
    const expected = lines.flatMap((line) => line.dir === "in" ? [new TextDecoder().decode(line.payload)] : []);
    assert.deepEqual(got.map((one) => one.text), expected);
    assert.equal(playback.statistics().framesSent, 4);
    await hangUp(client);
  });
});

Deno.test("startPlayback() waits for the client where the recorded client spoke, accepts any text and replies as told", async () => {
  const lines = [open("wss://a.example/ws"), frame("out", "subscribe"), frame("in", "data")];
  const reply = (text: string) => acknowledgeAs("binance", text);
  await withPlayback({ recording: () => iterate(lines), reply }, async (playback) => {
    const client = await dialClient(host, playback.urls.ws.section1);
    client.connection.send('{"method":"SUBSCRIBE","params":["any"],"id":4}');
    await playback.finished;
    assert.deepEqual(client.log.of("frame").map(({ text }) => text), ['{"result":null,"id":4}', "data"]);
    await hangUp(client);
  });
});

Deno.test("startPlayback() plays one section a connection, chosen by path, and stays silent after the last", async () => {
  const first = [open("wss://a.example/one"), frame("in", "1"), open("wss://a.example/two"), frame("in", "2")];
  const second = [open("wss://a.example/three"), frame("in", "3")];
  const recording = [() => iterate(first), () => iterate(second)];
  await withPlayback({ recording }, async (playback) => {
    const base = playback.urls.ws.section1.replace("/one", "");
    const texts: string[] = [];
    for (const path of ["/two", "/elsewhere", "/three"]) {
      const client = await dialClient(host, base + path);
      texts.push((await client.log.nth("frame")).text);
      await hangUp(client);
    }
    assert.deepEqual(texts, ["2", "1", "3"]);
    const late = await dialClient(host, `${base}/one`);
    late.connection.ping();
    await late.log.nth("pong");
    assert.deepEqual(late.log.of("frame"), []);
    await hangUp(late);
  });
});

Deno.test("startPlayback() answers recorded requests by path and query, one recorded after another in turn", async () => {
  const http = (path: string, body: string): RecordedLine => {
    return { dir: "http", t: T, url: `https://a.example${path}`, payload: bytes(body), inferred: false };
  };
  const lines = [
    http("/depth?symbol=A&limit=10", "A1"),
    http("/depth?symbol=B&limit=10", "B1"),
    http("/depth?symbol=A&limit=10", "A2"),
  ];
  await withPlayback({ recording: () => iterate(lines) }, async (playback) => {
    const get = async (path: string) => {
      const url = playback.urls.rest + path;
      const request = {
        method: "GET",
        url,
        headers: {},
        body: null,
        caCertPaths: [],
        timeoutMs: 5_000,
        bytesMax: 1_000,
      } as const;
      const answer = await host.fetcher.fetch(request);
      return answer.status === 200 ? new TextDecoder().decode(answer.body) : answer.status;
    };
    const path = "/depth?symbol=A&limit=10";
    assert.deepEqual([await get(path), await get(path), await get(path)], ["A1", "A2", "A2"]);
    assert.equal(await get("/depth?symbol=B&limit=5000"), "B1");
    assert.equal(await get("/depth?symbol=C"), 404);
    assert.equal(await get("/other"), 404);
  });
});

Deno.test("startPlayback() holds back while its client does not read", async () => {
  const payload = "x".repeat(64 * 1024);
  const lines = [open("wss://a.example/ws"), ...Array.from({ length: 200 }, () => frame("in", payload))];
  await withPlayback({ recording: () => iterate(lines) }, async (playback) => {
    const client = await dialClient(host, playback.urls.ws.section1);
    await client.log.nth("frame");
    client.connection.pause();
    const other = await dialClient(host, playback.urls.ws.section1);
    for (let i = 0; i < 20; i++) {
      other.connection.ping();
      await other.log.nth("pong", i + 1);
    }
    assert.ok(playback.statistics().framesSent < 200);
    client.connection.resume();
    await playback.finished;
    assert.equal(client.log.of("frame").length, 200);
    await hangUp(other);
    await hangUp(client);
  });
});

Deno.test("parseRecordingLine() reads back what formatRecordingLine() wrote", () => {
  const payload = fc.oneof(
    fc.record({ binary: fc.constant(false), payload: fc.string({ unit: "binary" }).map((text) => bytes(text)) }),
    fc.record({ binary: fc.constant(true), payload: fc.uint8Array() }),
  );
  fc.assert(fc.property(fc.constantFrom("in", "out"), fc.nat(), payload, (dir, t, body) => {
    const line = formatRecordingLine({ dir, t, ...body } as RecordedLine);
    const parsed = parseRecordingLine(line);
    assert.ok(parsed.ok && (parsed.record.dir === "in" || parsed.record.dir === "out"));
    assert.deepEqual([...parsed.record.payload], [...body.payload]);
    assert.equal(parsed.record.binary, body.binary);
    assert.ok(!line.includes("\n"));
  }));
});

Deno.test("readRecording() reads plain and gzip text alike, however it is cut into pieces", async () => {
  const lines = [open("wss://a.example/ws"), frame("in", "☃ snow"), { dir: "close", t: T } as const];
  const text = bytes(lines.map(formatRecordingLine).join("\n") + "\n");
  for (const whole of [text, new Uint8Array(gzipSync(text))]) {
    for (const size of [2, 3, 7, 1000]) {
      const pieces: Uint8Array[] = [];
      for (let at = 0; at < whole.length; at += size) pieces.push(whole.slice(at, at + size));
      assert.deepEqual(await collect(pieces), lines);
    }
  }
});

Deno.test("readRecording() names the line that is wrong and why", async () => {
  const good = formatRecordingLine(frame("in", "x"));
  const cases: readonly (readonly [string, RegExp])[] = [
    ["{", /sample:2: .*JSON/],
    ["[]", /sample:2: a record is a JSON object/],
    ['{"t":1.5,"dir":"in","data":""}', /sample:2: "t"/],
    ['{"t":1,"dir":"up","data":""}', /sample:2: "dir" is "up"/],
    ['{"t":1,"dir":"in"}', /sample:2: "in" has neither/],
    ['{"t":1,"dir":"in","bin":"a"}', /sample:2: "in" has neither/],
    ['{"t":1,"dir":"open"}', /sample:2: "open" has no "url"/],
  ];
  for (const [line, pattern] of cases) {
    await assert.rejects(collect([bytes(`${good}\n${line}\n${good}\n`)]), (error) => {
      assert.ok(error instanceof Failure && error.code === "corrupt");
      assert.match(error.message, pattern);
      return true;
    });
  }
});

Deno.test("readRecording() refuses gzip data that ends early, and passes on the failure of its source", async () => {
  const whole = new Uint8Array(
    gzipSync(bytes(Array.from({ length: 500 }, (_, i) => formatRecordingLine(frame("in", `${i}`))).join("\n"))),
  );
  await assert.rejects(collect([whole.slice(0, whole.length - 20)]), { code: "corrupt" });
  const failing = async function* (): AsyncIterable<Uint8Array> {
    yield whole.slice(0, 100);
    throw new Failure("file", "Cannot read: it is gone");
  };
  const read = async () => {
    for await (const _ of readRecording(failing(), "sample")) { /* only the end matters */ }
  };
  await assert.rejects(read(), { code: "file" });
});

Deno.test("readRecordingFile() reads a file and reports a missing one", async () => {
  const dir = await host.files.makeTempDir("recording");
  const path = `${dir}/sample.jsonl.gz`;
  const lines = [open("wss://a.example/ws"), frame("in", "x")];
  await host.files.writeAtomic(path, new Uint8Array(gzipSync(lines.map(formatRecordingLine).join("\n"))));
  const read: RecordedLine[] = [];
  let progress = 0;
  for await (const line of readRecordingFile(host, path, (count) => progress = count)) read.push(line);
  assert.deepEqual(read, lines);
  assert.equal(progress, (await host.files.stat(path))?.bytes);
  const missing = async () => {
    for await (const _ of readRecordingFile(host, `${dir}/none`)) { /* never comes here */ }
  };
  await assert.rejects(missing(), { code: "file" });
  await host.files.removeTree(dir);
});

Deno.test("readRecordingFile() lets go of the file when the reader stops early", async () => {
  const dir = await host.files.makeTempDir("recording");
  const path = `${dir}/sample.jsonl.gz`;
  const noise = Array.from(
    { length: 40_000 },
    (_, i) => formatRecordingLine(frame("in", `${(i * 2654435761) % 4294967296}`)),
  );
  await host.files.writeAtomic(path, new Uint8Array(gzipSync(noise.join("\n"), { level: 1 })));
  let count = 0;
  for await (const _ of readRecordingFile(host, path)) if (++count === 3) break;
  assert.equal(count, 3);
  await host.files.removeTree(dir);
});

Deno.test("acknowledgeAs() accepts whatever is asked for in the dialect's own form", () => {
  const okx = acknowledgeAs("okx", '{"op":"subscribe","args":[{"channel":"a","instId":"X"},{"channel":"b"}]}');
  assert.deepEqual(okx.map((text) => JSON.parse(text).arg), [{ channel: "a", instId: "X" }, { channel: "b" }]);
  assert.deepEqual(acknowledgeAs("okx", "ping"), ["pong"]);
  const request = { method: "subscribe", params: { channel: "book", symbol: ["A/B", "C/D"], depth: 10 }, req_id: 2 };
  const kraken = acknowledgeAs("kraken", JSON.stringify(request)).map((text) => JSON.parse(text));
  assert.deepEqual(kraken.map((ack) => [ack.success, ack.result.symbol, ack.req_id]), [[true, "A/B", 2], [
    true,
    "C/D",
    2,
  ]]);
  assert.deepEqual(acknowledgeAs("kraken", "{"), []);
});

Deno.test("startPlayback() serves a shared recording whole", async () => {
  const name = "kucoin-20210425-ws1.jsonl.gz";
  const path = decodeURIComponent(new URL(name, RECORDINGS).pathname);
  if (await host.files.stat(path) === null) {
    console.log(`SKIPPED: ${name} is not beside this checkout`);
    return;
  }
  const expected: string[] = [];
  for await (const line of readRecordingFile(host, path)) {
    if (line.dir === "in") expected.push(new TextDecoder().decode(line.payload));
  }
  await withPlayback({ recording: () => readRecordingFile(host, path), waitForClient: false }, async (playback) => {
    const client = await dialClient(host, playback.urls.ws.section1);
    await playback.finished;
    assert.deepEqual(client.log.of("frame").map(({ text }) => text), expected);
    assert.equal(expected.length, 4721);
    await hangUp(client);
  });
});
