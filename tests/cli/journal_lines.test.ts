import assert from "node:assert/strict";
import { formatJournalLine, holdsJournalLines, readJournalLines } from "../../src/cli/journal_lines.ts";
import type { PlacedRecord } from "../../src/cli/recorded_records.ts";
import { Pipeline } from "../../src/derive/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import { readJournal } from "../../src/journal/mod.ts";
import type { JournalRecord } from "../../src/model/mod.ts";
import { runCli } from "../support/captured_cli.ts";
import { frame, inTempDir, openRig } from "../support/journal_rig.ts";

const HOST = denoHost();
const AT = 1_770_000_000_000_000;
const OPENED = {
  kind: "opened",
  at: AT,
  exchange: "binance",
  connection: "public",
  url: "wss://stream.binance.com:9443/stream",
  descriptorHash: "",
  planHash: null,
  streams: [{ channel: "trades", symbol: "BTC/USDT" }],
} as const;

/** A journal of two sessions with trades, an end, a drop and a rejection between them. */
async function write(dir: string): Promise<void> {
  const pipeline = new Pipeline([], { enabled: false, windowSeconds: 0, keysMax: 0 });
  const journal = await openRig(dir, { checkpoint: () => pipeline.saveState() });
  let session = journal.append(OPENED);
  for (let i = 0; i < 20; i++) {
    const at = AT + i;
    if (i === 10) {
      journal.append({ kind: "closed", session, at, cause: "peer", code: 1006, reason: "gone" });
      session = journal.append(OPENED);
    }
    if (i === 5) journal.append({ kind: "rejected", session, at, streams: OPENED.streams, reason: "no" });
    if (i === 15) {
      const bounds = { frames: 3, fromTs: at, toTs: at, toOffset: null };
      journal.append({ kind: "dropped", session, at, ...bounds, reason: "journal full" });
    }
    const trade = { e: "trade", E: i + 1, s: "BTCUSDT", t: i, p: "61800.1", q: "0.10", T: i + 1, m: i % 2 === 0 };
    journal.append({ ...frame(JSON.stringify({ stream: "btcusdt@trade", data: trade }), at), session });
  }
  await journal.close();
}

Deno.test("replay of what journal cat --frames printed gives the events of the journal itself", () =>
  inTempDir(async (dir) => {
    await write(`${dir}/journal`);
    const cat = await runCli(["journal", "cat", `${dir}/journal`, "--frames"]);
    assert.equal(cat.code, 0);
    const lines = cat.out.trim().split("\n").map((line) => JSON.parse(line));
    const frames = lines.filter((line) => line.dir === "in");
    assert.equal(frames.length, 20);
    for (const { exchange, session } of frames) {
      assert.equal(exchange, "binance");
      assert.ok(lines.some((one) => one.dir === "open" && one.session === session && one.url === OPENED.url));
    }
    await Deno.writeTextFile(`${dir}/frames.jsonl`, cat.out);
    const journal = await runCli(["replay", `${dir}/journal`, "--to", "stdout"]);
    const text = await runCli(["replay", `${dir}/frames.jsonl`, "--to", "stdout", "--collector", "machine"]);
    assert.equal(text.code, 0, text.err);
    assert.equal(text.out, journal.out);
    assert.ok(journal.out.trim().split("\n").length >= 22, journal.out);
  }));

Deno.test("a journal's lines give every record back as it was, bytes that are no text included", () =>
  inTempDir(async (dir) => {
    const records: JournalRecord[] = [
      { kind: "plan", at: 1, hash: "h", body: "{}" },
      { kind: "checkpoint", at: 1, part: 0, last: true, state: "{}" },
      OPENED,
      { kind: "acked", at: 2, session: 3, streams: [] },
      { ...frame("text"), session: 3 },
      { kind: "frame", at: 3, session: 3, binary: true, payload: new TextEncoder().encode("binary, though readable") },
      { kind: "frame", at: 3, session: 3, binary: false, payload: Uint8Array.of(0xff, 0, 0xef, 0xbb, 0xbf) },
      { kind: "frame", at: 3, session: 3, binary: false, payload: Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d) },
      {
        kind: "http",
        at: 4,
        exchange: "binance",
        planHash: "h",
        session: null,
        request: "depth",
        native: "BTCUSDT",
        url: "https://x.example/a?b=%2F",
        status: 418,
        body: new TextEncoder().encode("{}"),
      },
      { kind: "clock", at: 5, fromTs: 9, toTs: 5 },
      {
        ...{ kind: "share", at: 5, exchange: "alpha", change: "taken", share: 3, shares: 8, other: "eu-2", epoch: 7 },
        ...{ fromTs: 2, streams: [{ channel: "trades", symbol: "BTC/USDT" }] },
      },
      { kind: "dropped", at: 6, session: null, frames: 0, fromTs: 1, toTs: 6, toOffset: 20, reason: "lost" },
      { kind: "closed", at: 7, session: 3, cause: "crash", code: null, reason: "" },
    ];
    const path = `${dir}/lines.jsonl`;
    await Deno.writeTextFile(
      path,
      records.map((record, i) => `${formatJournalLine(i + 1, record, "binance")}\n`).join(""),
    );
    assert.equal(await holdsJournalLines(HOST, path), true);
    const found: PlacedRecord[] = [];
    for await (const placed of readJournalLines(HOST, path)) found.push(placed);
    assert.deepEqual(found, records.map((record, i) => ({ offset: i + 1, record })));
  }));

Deno.test("a journal's lines give a journal of format 1 back as it was", () =>
  inTempDir(async (dir) => {
    const source = "tests/fixtures/journal_format_1/journal";
    const entries: PlacedRecord[] = [];
    for await (const chunk of readJournal(HOST.files, source)) entries.push(...chunk);
    const { out } = await runCli(["journal", "cat", source, "--frames"]);
    await Deno.writeTextFile(`${dir}/lines.jsonl`, out);
    const found: PlacedRecord[] = [];
    for await (const placed of readJournalLines(HOST, `${dir}/lines.jsonl`)) found.push(placed);
    const comparable = (all: readonly PlacedRecord[]) =>
      all.map(({ offset, record }) =>
        record.kind === "frame" ? { offset, ...record, payload: [...record.payload] } : { offset, record }
      );
    assert.deepEqual(comparable(found), comparable(entries));
  }));

Deno.test("readJournalLines() names the line that is no record of a journal", () =>
  inTempDir(async (dir) => {
    const good = formatJournalLine(1, OPENED, "binance");
    await Deno.writeTextFile(`${dir}/lines.jsonl`, `${good}\n{"t":1,"dir":"in","data":"{}"}\n`);
    await assert.rejects(async () => {
      for await (const _ of readJournalLines(HOST, `${dir}/lines.jsonl`));
    }, /lines\.jsonl:2: it holds no record of a journal/);
    await Deno.writeTextFile(`${dir}/recording.jsonl`, '{"t":1,"dir":"open","url":"wss://x.example"}\n');
    assert.equal(await holdsJournalLines(HOST, `${dir}/recording.jsonl`), false);
  }));
