import assert from "node:assert/strict";
import { GapBoard, type LiveFacts } from "../../src/api/mod.ts";
import type { BookView, CoverageRow, ExchangePlan, StreamStatus } from "../../src/model/mod.ts";
import { startApi } from "../support/api_rig.ts";
import { batchOf } from "../support/batches.ts";
import { differences } from "../support/json_schema_check.ts";
import { instance, NOW, snapshot } from "../telemetry/builders.ts";

const STREAM: StreamStatus = {
  connection: "public",
  stream: { channel: "trades", symbol: "BTC/USDT" },
  state: "live",
  since: NOW - 5_000_000,
  quiet: false,
  desired: true,
  lastDataTs: NOW - 2_000_000,
  missingSince: null,
  reason: null,
};
const REJECTED: StreamStatus = {
  ...STREAM,
  stream: { channel: "book", symbol: "ETH/USDT" },
  state: "rejected",
  lastDataTs: null,
  missingSince: NOW - 1_000_000,
  reason: "no such symbol",
};
const BOOK: BookView = {
  session: 7,
  symbol: "BTC/USDT",
  native: "BTCUSDT",
  state: "valid",
  since: NOW - 5_000_000,
  cause: null,
  sequence: "42",
  exchangeTs: NOW,
  bids: [["100.10", "1"], ["100.00", "2"]],
  asks: [["100.20", "3"]],
  bidLevels: 2,
  askLevels: 1,
};
const INSTRUMENTS = [
  { symbol: "BTC/USDT", native: "BTCUSDT", family: "spot" },
  { symbol: "BTC/USD:BTC-260327-100000-C", native: "BTC-27MAR26-100000-C", family: "option" },
  { symbol: "odd", native: "odd", family: null },
] as const;
const EXCHANGE = {
  name: "alpha",
  runnable: { instruments: INSTRUMENTS, channels: ["trades", "book"] },
} as unknown as ExchangePlan;

function factsOf(gaps = new GapBoard()): Partial<LiveFacts> {
  return {
    exchanges: () => [EXCHANGE, { ...EXCHANGE, name: "beta", runnable: null }],
    streams: (exchange) => exchange === "alpha" ? [STREAM, REJECTED] : [],
    books: (exchange, { symbol }) => exchange === "alpha" && (symbol ?? "BTC/USDT") === "BTC/USDT" ? [BOOK] : [],
    gaps,
    coverage: (days) => Promise.resolve({ days, rows: coverageOf(days), unreadable: ["cannot read one"] }),
  };
}

/** Two streams of trades: one certified on the last day, whole; one on the last two, in part. */
function coverageOf(days: readonly string[]): readonly CoverageRow[] {
  const row = { sink: "lines", exchange: "alpha", channel: "trades" } as const;
  const on = (...shares: readonly number[]) =>
    days.map((_, at) => {
      const share = shares[at - days.length + shares.length];
      return share === undefined ? null : { share, gaps: share < 1 ? 2 : 0, isSettled: at < days.length - 1 };
    });
  return [{ ...row, symbol: "BTC/USDT", days: on(1) }, { ...row, symbol: "ETH/USDT", days: on(0.25, 0.5) }];
}

const GAP = {
  exchange: "alpha",
  symbol: "BTC/USDT",
  native_symbol: "BTCUSDT",
  exchange_ts: null,
  received_ts: NOW,
  session: 7,
  offset: 9,
  index: 0,
  event: {
    kind: "gap",
    gap_id: "9-0",
    state: "opened",
    stream: "book",
    cause: "sequence",
    from_ts: NOW - 1,
    to_ts: null,
    from_sequence: "1",
    to_sequence: null,
    detail: "2 missing",
    action: "suppressed until the next snapshot",
  },
} as const;

function boardOfGap(): GapBoard {
  const board = new GapBoard();
  board.note(batchOf([GAP]));
  board.note(batchOf([{ ...GAP, offset: 12, event: { ...GAP.event, state: "closed", to_ts: NOW + 5 } }]));
  board.note(batchOf([{ ...GAP, offset: 13, event: { ...GAP.event, gap_id: "13-0", from_ts: null } }]));
  return board;
}

Deno.test("every resource of the API answers as the OpenAPI document says", async () => {
  await using rig = await startApi({ facts: factsOf(boardOfGap()) });
  const document = await (await fetch(`${rig.base}/api/v1/openapi.json`)).json();
  assert.deepEqual([document.openapi, document.info.version], ["3.1.0", "1.2.3"]);
  const paths = Object.entries<{ get: Operation }>(document.paths).filter(([, { get }]) => get !== undefined);
  assert.ok(paths.length >= 9, `${paths.length} paths`);
  assert.equal(new Set(paths.map(([, { get }]) => get.operationId)).size, paths.length);
  for (const [path, { get }] of paths) {
    const answer = await fetch(`${rig.base}${document.servers[0].url}${path.replace("{exchange}", "alpha")}`);
    const body = await answer.json();
    assert.equal(answer.status, 200, `${path}: ${JSON.stringify(body)}`);
    const [type, { schema }] = Object.entries(get.responses["200"].content)[0];
    assert.match(answer.headers.get("content-type") ?? "", new RegExp(`^${type}`));
    assert.deepEqual(differences(schema, body, path), []);
    const entries = Object.values(body).find(Array.isArray);
    if (entries !== undefined && get.operationId.startsWith("list") && path !== "/problems") {
      assert.ok(entries.length > 0, `${path} shows nothing`);
    }
    const unknown = await fetch(`${rig.base}/api/v1${path.replace("{exchange}", "alpha")}?nothing=1`);
    assert.equal(unknown.status, 400);
    assert.match((await unknown.json()).error, /No parameter nothing/);
  }
});

interface Operation {
  readonly operationId: string;
  readonly responses: { readonly 200: { readonly content: Record<string, { schema: Record<string, unknown> }> } };
}

async function ask(base: string, path: string) {
  const answer = await fetch(`${base}/api/v1${path}`);
  return { status: answer.status, body: await answer.json() };
}

Deno.test("/api/v1 filters by exchange, symbol, channel and state, and gives parts of lists", async () => {
  await using rig = await startApi({ facts: factsOf(boardOfGap()) });
  const count = async (path: string) => {
    const { status, body } = await ask(rig.base, path);
    assert.equal(status, 200, `${path}: ${JSON.stringify(body)}`);
    return [Object.values(body).find(Array.isArray)?.length, body.total];
  };
  assert.deepEqual(await count("/streams"), [2, 2]);
  assert.deepEqual(await count("/streams?state=rejected"), [1, 1]);
  assert.deepEqual(await count("/streams?channel=trades&symbol=BTC/USDT"), [1, 1]);
  assert.deepEqual(await count("/streams?exchange=beta"), [0, 0]);
  assert.deepEqual(await count("/streams?limit=1&skip=1"), [1, 2]);
  assert.deepEqual(await count("/books?symbol=ETH/USDT"), [0, 0]);
  assert.deepEqual(await count("/instruments?symbol=BTC-27MAR26-100000-C"), [1, 1]);
  assert.deepEqual(await count("/gaps?state=closed"), [1, 1]);
  assert.deepEqual(await count("/gaps"), [2, 2]);
  const { body } = await ask(rig.base, "/gaps?limit=1");
  assert.equal(body.gaps[0].gap_id, "13-0", "the last told first");
});

Deno.test("/api/v1 says what is wrong with a parameter, and what is not there", async () => {
  await using rig = await startApi({ facts: factsOf() });
  for (
    const [path, status, words] of [
      ["/books?depth=-1", 400, /depth is "-1".*integer from 0/],
      ["/books?depth=1&depth=2", 400, /more than once/],
      ["/streams?state=well", 400, /one of pending, acked/],
      ["/streams?limit=1e9", 400, /limit/],
      ["/exchanges/none", 404, /not found/],
      ["/exchanges/%00", 404, /not found/],
    ] as const
  ) {
    const { status: got, body } = await ask(rig.base, path);
    assert.equal(got, status, path);
    assert.match(body.error, words);
  }
});

Deno.test("/api/v1/coverage shows the days before today, stream by stream or a channel with their mean", async () => {
  await using rig = await startApi({
    facts: factsOf(),
    current: () => snapshot({ now: Date.UTC(2026, 2, 2, 9) * 1000 }),
  });
  const { body } = await ask(rig.base, "/coverage?symbol=ETH/USDT&days=3");
  assert.deepEqual(body, {
    coverage: [{
      sink: "lines",
      exchange: "alpha",
      channel: "trades",
      symbol: "ETH/USDT",
      streams: 1,
      days: [
        { date: "2026-02-27", share: null, gaps: null, is_settled: false },
        { date: "2026-02-28", share: 0.25, gaps: 2, is_settled: true },
        { date: "2026-03-01", share: 0.5, gaps: 2, is_settled: false },
      ],
    }],
    total: 1,
    unreadable: ["cannot read one"],
  });
  const together = (await ask(rig.base, "/coverage?by=channel&days=2")).body.coverage;
  assert.deepEqual(together.map(({ symbol, streams }: typeof together[0]) => [symbol, streams]), [["", 2]]);
  assert.deepEqual(together[0].days.map(({ share, gaps }: typeof together[0]) => [share, gaps]), [[0.25, 2], [
    0.75,
    2,
  ]]);
  assert.equal((await ask(rig.base, "/coverage?exchange=beta")).body.total, 0);
  assert.equal((await ask(rig.base, "/coverage?channel=raw")).body.total, 0);
  for (const wrong of ["days=0", "days=32", "by=day", "channel=none"]) {
    assert.equal((await ask(rig.base, `/coverage?${wrong}`)).status, 400, wrong);
  }
});

Deno.test("/api/v1 hides secrets in whatever it shows, and tells of a broken configuration", async () => {
  const { Secrets } = await import("../../src/model/mod.ts");
  const secrets = new Secrets();
  secrets.add("{env:KEY}", "s3cret-value");
  const broken = snapshot({
    config: { loaded: false, error: "line 1: s3cret-value", refused: null, needsRestart: [] },
    instances: [instance({ errors: ["s3cret-value is no address"] })],
    journal: null,
  });
  await using rig = await startApi({ current: () => broken, secrets });
  const { body } = await ask(rig.base, "/status");
  const text = JSON.stringify([
    body,
    (await ask(rig.base, "/exchanges")).body,
    (await ask(rig.base, "/problems")).body,
  ]);
  assert.ok(!text.includes("s3cret") && text.includes("{env:KEY}"), text);
  assert.equal(body.status, "error");
});

Deno.test("POST /api/v1/reload reads the configuration again and says whether it runs", async () => {
  const refused = { at: NOW, text: "line 3: wrong", errors: 1 };
  let config = { loaded: true, error: null, refused: null as typeof refused | null, needsRestart: ["run.http_port"] };
  const reload = () => {
    config = { ...config, refused: config.refused === null ? refused : null };
    return Promise.resolve();
  };
  await using rig = await startApi({ current: () => snapshot({ config }), facts: { reload } });
  const post = async (headers = {}) => {
    const answer = await fetch(`${rig.base}/api/v1/reload`, { method: "POST", headers });
    return [answer.status, await answer.json()];
  };
  const document = await (await fetch(`${rig.base}/api/v1/openapi.json`)).json();
  for (const [status, error] of [[422, refused.text], [200, null]] as const) {
    const [got, body] = await post();
    assert.deepEqual([got, body], [status, { accepted: status === 200, error, needs_restart: ["run.http_port"] }]);
    const { schema } = document.paths["/reload"].post.responses[status].content["application/json"];
    assert.deepEqual(differences(schema, body), []);
  }
  const [foreign] = await post({ origin: "http://attacker.example" });
  assert.deepEqual([foreign, config.refused], [403, null], "a page of another origin reloads nothing");
  const get = await fetch(`${rig.base}/api/v1/reload`);
  assert.deepEqual([get.status, get.headers.get("allow")], [405, "POST"]);
  await get.body?.cancel();
});
