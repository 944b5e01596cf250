import assert from "node:assert/strict";
import { runCli } from "../support/captured_cli.ts";

const DESCRIPTOR = `
[meta]
name = "somewhere"
version = "1.4"
[args]
depth = "10"
[[ws.connections]]
id = "main"
urls = ["wss://somewhere.invalid/ws"]
[[subscriptions]]
connection_id = "main"
generator = '''
foreach (s in symbols) { foreach (c in channels) { emit('{"op":"sub","args":["{ch}.{symbol}"],"id":{id}}'); } }
'''
batch = { at = "/args", max_items = 2 }
ack = { when = { "/op" = "ok" }, correlation_pointer = "/id", echo = ["/c", "/s"], item = ["before(row, '.')", "after(row, '.')"] }
[maps]
channel_map = { trades = "t", book = "b{arg:depth}" }
[[control]]
name = "beat"
when = { "/op" = "beat" }
[[events]]
kind = "trade"
when = { "/c" = "t" }
rows = "/d/*"
symbol = "root.s"
exchange_ts = "/T"
price = "/p"
size = "/q"
side = { at = "/x", map = { B = "buy", S = "sell" } }
[[events]]
kind = "book"
when = { "/c" = "b" }
symbol = "/s"
bids = "/b/*"
asks = "/a/*"
`;
const OPEN = '{"open": "main", "symbols": {"A/B": "AB"}}';
const TRADE =
  '{"frame": {"c":"t","s":"AB","d":[{"T":1700000000000,"p":1.10,"q":"2","x":"B"}]}, "rule": "trade", "events": [{"kind":"trade","symbol":"A/B","exchange_ts":1700000000000000,"price":"1.10","size":"2","side":"buy"}]}';
const BOOK =
  '{"frame": {"c":"b","s":"AB","b":[["1","2"]],"a":[]}, "rule": "book", "events": [{"kind":"book_delta","symbol":"A/B","bids":[["1","2"]],"asks":[]}]}';
const CONTROL = '{"frame": {"op":"beat"}, "rule": "beat"}';
const ACK =
  '{"frame": {"op":"ok","id":3,"c":"t","s":"AB"}, "rule": "ack", "signal": {"action":"ack","correlation":"3","echoes":[["t","AB"]]}}';
const ALL = [OPEN, TRADE, BOOK, CONTROL, ACK];

interface Files {
  readonly descriptor: string;
  readonly evidence: string;
}

/** Runs a test with the descriptor and its evidence beside it. */
async function withEvidence(lines: readonly string[], test: (files: Files) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "collector-evidence-" });
  try {
    const files = { descriptor: `${dir}/somewhere.toml`, evidence: `${dir}/somewhere.evidence.jsonl` };
    await Deno.writeTextFile(files.descriptor, DESCRIPTOR);
    await Deno.writeTextFile(files.evidence, `${lines.join("\n")}\n`);
    await test(files);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("test exits 0 when a user's own descriptor gives what its evidence says", async () => {
  await withEvidence(ALL, async ({ descriptor }) => {
    const { code, out } = await runCli(["test", descriptor]);
    assert.equal(code, 0, out);
    assert.equal(
      out,
      "somewhere      4 frames      2 events     4/4 rules  ok\n\n1 descriptor, 4 frames, 2 events, all as expected\n",
    );
  });
});

Deno.test("test finds evidence in the folder evidence too", async () => {
  await withEvidence(ALL, async ({ descriptor, evidence }) => {
    const folder = descriptor.replace(/somewhere\.toml$/, "evidence");
    await Deno.mkdir(folder);
    await Deno.rename(evidence, `${folder}/somewhere.jsonl`);
    assert.equal((await runCli(["test", descriptor])).code, 0);
  });
});

Deno.test("test exits 1 and names file, line, frame and field where an event differs", async () => {
  await withEvidence(
    ALL.with(1, TRADE.replace('"price":"1.10"', '"price":"1.1"')),
    async ({ descriptor, evidence }) => {
      const { code, out } = await runCli(["test", descriptor]);
      assert.equal(code, 1);
      assert.ok(out.startsWith(`${evidence}:2: {"c":"t","s":"AB"`), out);
      assert.match(out, /\n {2}events\[0\]\.price {2}expected "1\.1"\n +got {6}"1\.10"\n/);
      assert.match(out, /somewhere +4 frames +2 events +4\/4 rules +1 failed/);
      assert.ok(!out.includes("\u001b"));
    },
  );
});

/** A line of evidence that does not hold, and what is said about it. */
const WRONG: readonly (readonly [what: string, line: string, said: RegExp])[] = [
  [
    "a field the frame does not give",
    TRADE.replace('"side":"buy"', '"side":"buy","trade_id":"9"'),
    /trade_id +expected "9"\n +got +null/,
  ],
  [
    "a field with a name of the language's own",
    TRADE.replace('"side":"buy"', '"side":"buy","constructor":"9"'),
    /constructor +expected "9"\n +got +null/,
  ],
  ["a field left out", TRADE.replace(',"side":"buy"', ""), /events\[0\]\.side +expected null\n +got +"buy"/],
  [
    "an event too many",
    TRADE.replace('"events": [', '"events": [{"kind":"trade"},'),
    /events\[1\] +expected \{.*\n +got +no further event/,
  ],
  ["an event too few", TRADE.replace(/"events": \[.*\]/, '"events": []'), /events\[0\] +expected no further event/],
  [
    "a level",
    BOOK.replace(/\["1","2"\]\],"asks"/, '["1","3"]],"asks"'),
    /events\[0\]\.bids\[0\] +expected \["1","3"\]\n +got +\["1","2"\]/,
  ],
  ["another rule", CONTROL.replace('"rule": "beat"', '"rule": "trade"'), /rule +expected "trade"\n +got +"beat"/],
  ["a signal", ACK.replace('"correlation":"3"', '"correlation":"4"'), /signal\.correlation +expected "4"\n +got +"3"/],
  ["an echo", ACK.replace('["t","AB"]', '["t","AC"]'), /signal\.echoes +expected \[\["t","AC"\]\]/],
  [
    "a fault",
    '{"frame": {"c":"t","s":"AB","d":[{"q":"2"}]}, "rule": "trade"}',
    /faults +expected none\n +got +missing_field trade\.price \/p/,
  ],
  [
    "no rule where one matches",
    CONTROL.replace('"beat"}, "rule": "beat"', '"beat"}, "rule": null'),
    /rule +expected null/,
  ],
  ["nothing stated", '{"frame": {"op":"beat"}}', /rule +expected nothing is stated/],
  [
    "an unknown request",
    '{"http": "depth", "body": {}, "rule": "x"}',
    /http +expected one of no request\n +got +depth/,
  ],
];

Deno.test("test says how a step differs, whatever it is that differs", async () => {
  for (const [what, line, said] of WRONG) {
    await withEvidence([...ALL, line], async ({ descriptor, evidence }) => {
      const { code, out } = await runCli(["test", descriptor]);
      assert.equal(code, 1, what);
      assert.ok(out.startsWith(`${evidence}:6: `), `${what}: ${out}`);
      assert.match(out, said, what);
    });
  }
});

Deno.test("test accepts stated faults, unmatched frames and binary frames", async () => {
  const lines = [
    '{"note": "no price", "frame": {"c":"t","s":"AB","d":[{"q":"2"}]}, "rule": "trade", "faults": ["missing_field trade.price /p"]}',
    '{"frame": {"op":"new"}, "rule": null, "faults": ["unmatched main"]}',
    '{"frame": "<html>", "faults": ["not_json Expected a value at byte 0"]}',
    `{"bin": "${btoa('{"op":"beat"}')}", "rule": "beat"}`,
    "",
  ];
  await withEvidence([...ALL, ...lines], async ({ descriptor }) => {
    const { code, out } = await runCli(["test", descriptor]);
    assert.equal(code, 0, out);
    assert.match(out, / 8 frames/);
  });
});

Deno.test("test compares checksums that are frames of their own, and counts them for their rule", async () => {
  const rule = '[[events]]\nkind = "checksum"\nwhen = { "/c" = "cs" }\nsymbol = "/s"\nchecksum = "/v"\n';
  const frame =
    '{"frame": {"c":"cs","s":"AB","v":-5}, "rule": "checksum", "checksums": [{"native_symbol":"AB","checksum":"-5"}]}';
  await withEvidence([...ALL, frame], async ({ descriptor, evidence }) => {
    await Deno.writeTextFile(descriptor, DESCRIPTOR + rule);
    const { code, out } = await runCli(["test", descriptor, "--strict"]);
    assert.equal(code, 0, out);
    await Deno.writeTextFile(evidence, [...ALL, frame.replace('"-5"', '"5"')].join("\n"));
    const failed = await runCli(["test", descriptor]);
    assert.match(failed.out, /checksums\[0\] +expected .*"checksum":"5"\}\n +got +.*"-5"/);
  });
});

Deno.test("test compares the exact subscribe messages, request ids counted", async () => {
  const open =
    '{"open": "main", "symbols": {"A/B": "AB", "C/B": "CB"}, "subscribe": {"symbols": ["A/B", "C/B"], "channels": ["trades", "book"], "overrides": {"depth": "25"}}}';
  const messages = ['{"op":"sub","args":["t.AB","b25.AB"],"id":1}', '{"op":"sub","args":["t.CB","b25.CB"],"id":2}'];
  const expect = JSON.stringify({ expect_requests: messages });
  await withEvidence([open, expect, ...ALL.slice(1)], async ({ descriptor, evidence }) => {
    const { code, out } = await runCli(["test", descriptor]);
    assert.equal(code, 0, out);
    await Deno.writeTextFile(evidence, [open, expect.replace("b25.CB", "b10.CB"), ...ALL.slice(1)].join("\n"));
    const failed = await runCli(["test", descriptor]);
    assert.equal(failed.code, 1);
    assert.match(failed.out, /:2: open main\n {2}expect_requests\[1\] {2}expected .*b10\.CB.*\n.*got .*b25\.CB/);
  });
});

Deno.test("test lists rules that no frame exercises, which --strict makes a failure", async () => {
  await withEvidence([OPEN, TRADE], async ({ descriptor }) => {
    const { code, out } = await runCli(["test", descriptor]);
    assert.equal(code, 0);
    assert.match(
      out,
      /somewhere: rules that no frame exercises\n {2}control beat\n {2}control ack on main\n {2}event book\n/,
    );
    assert.match(out, /3 rules without evidence/);
    assert.equal((await runCli(["test", descriptor, "--strict"])).code, 1);
  });
});

Deno.test("test --update rewrites expectations in place and keeps notes, order and digits", async () => {
  const frame = '{"c":"t",  "s":"AB","d":[{"T":1700000000000,"p":1.10,"q":12345678901234567890,"x":"S"}]}';
  const lines = [
    '{"note": "first"}',
    OPEN,
    "",
    `{"note": "kept", "frame": ${frame}, "events": []}`,
    CONTROL,
    '{"frame": {"op":"new"}}',
  ];
  await withEvidence(lines, async ({ descriptor, evidence }) => {
    const { code, out } = await runCli(["test", descriptor, "--update"]);
    assert.equal(code, 0, out);
    assert.match(out, /2 lines rewritten: review them/);
    assert.deepEqual((await Deno.readTextFile(evidence)).split("\n"), [
      ...lines.slice(0, 3),
      `{"note": "kept", "frame": ${frame}, "rule": "trade", "events": [{"kind":"trade","symbol":"A/B","native_symbol":"AB","exchange_ts":1700000000000000,"price":"1.10","size":"12345678901234567890","side":"sell"}]}`,
      CONTROL,
      '{"frame": {"op":"new"}, "rule": null, "faults": ["unmatched main"], "events": []}',
      "",
    ]);
    const again = await runCli(["test", descriptor, "--update"]);
    assert.match(again.out, /ok\n/);
  });
});

/** A line that cannot be read, the place of the error, and what is said. */
const BROKEN: readonly (readonly [line: string, place: string, said: RegExp])[] = [
  ['{"frame": {"a":1', "2:17", /Cannot read JSON/],
  ["[1]", "2:1", /A step is a JSON object/],
  ['{"fram": {}}', "2:2", /A step has one of open, expect_requests, frame, bin, http, note/],
  ['{"frame": {}, "ruel": "x"}', "2:15", /Unknown key ruel: a step with frame has frame, rule/],
  ['{"frame": {}, "events": {}}', "2:15", /events is a list of objects/],
  ['{"frame": {}, "faults": "x"}', "2:15", /faults is a list of texts/],
  ['{"frame": {}, "signal": {"reasn": "x"}}', "2:26", /Unknown key reasn: signal has action/],
  ['{"bin": "%%"}', "2:2", /bin is not base64/],
  ['{"http": "x"}', "2:2", /No body/],
];

Deno.test("test names line and column of evidence that cannot be read, with a caret", async () => {
  for (const [line, place, said] of BROKEN) {
    await withEvidence([OPEN, line], async ({ descriptor, evidence }) => {
      const { code, out } = await runCli(["test", descriptor]);
      assert.equal(code, 1, line);
      assert.ok(out.startsWith(`${evidence}:${place}: error: `), out);
      assert.match(out, said);
      assert.match(out, /\^/);
    });
  }
});

Deno.test("test refuses frames before a session is open, and connections that there are not", async () => {
  await withEvidence([CONTROL], async ({ descriptor }) => {
    const { code, out } = await runCli(["test", descriptor]);
    assert.equal(code, 1);
    assert.match(out, /:1:1: error: No session is open/);
  });
  await withEvidence(['{"open": "mane"}'], async ({ descriptor }) => {
    const { code, out } = await runCli(["test", descriptor]);
    assert.equal(code, 1);
    assert.match(out, /:1: open mane\n {2}open {2}expected one of main\n/);
  });
});

Deno.test("test exits 1 for a descriptor without evidence and for a broken one", async () => {
  await withEvidence(ALL, async ({ descriptor, evidence }) => {
    await Deno.writeTextFile(descriptor, DESCRIPTOR.replace("rows =", "rowz ="));
    const broken = await runCli(["test", descriptor]);
    assert.equal(broken.code, 1);
    assert.match(broken.out, /rowz/);
    assert.match(broken.out, /somewhere +cannot run/);
    await Deno.remove(evidence);
    await Deno.writeTextFile(descriptor, DESCRIPTOR);
    const { code, out } = await runCli(["test", descriptor]);
    assert.equal(code, 1);
    assert.match(out, /somewhere +no evidence/);
  });
});

Deno.test("test exits 64 for a descriptor that is nowhere", async () => {
  const { code, err } = await runCli(["test", "nowhere"]);
  assert.equal(code, 64);
  assert.match(err, /No descriptor nowhere/);
});

Deno.test("test --json gives failures and unexercised rules as plain values", async () => {
  await withEvidence([OPEN, TRADE.replace('"1.10","size"', '"1.2","size"'), BOOK, ACK], async ({ descriptor }) => {
    const { code, out } = await runCli(["test", descriptor, "--json"]);
    assert.equal(code, 1);
    const { ok, descriptors: [only] } = JSON.parse(out);
    assert.equal(ok, false);
    assert.deepEqual([only.frames, only.events, only.rules], [3, 2, 4]);
    assert.deepEqual(only.unexercised, [{ type: "control", name: "beat", connections: null }]);
    assert.deepEqual(
      only.failures.map(({ line, differences }: { line: number; differences: unknown }) => [line, differences]),
      [
        [2, [{ field: "events[0].price", expected: '"1.2"', got: '"1.10"' }]],
      ],
    );
  });
});

Deno.test("test knows the shipped descriptors by name", async () => {
  const { code, out } = await runCli(["test", "binance"]);
  assert.equal(code, 0, out);
  assert.match(out, /^binance +\d+ frames +\d+ events +(\d+)\/\1 rules +ok\n/);
});
