import assert from "node:assert/strict";
import { findDrift, type Finding } from "../../src/evidence/drift.ts";
import { RuleAccount } from "../../src/evidence/rule_account.ts";
import type { Channel } from "../../src/model/mod.ts";
import { describedFrames } from "../support/described.ts";

const PLAN = describedFrames(`
[[control]]
name = "beat"
when = { "/e" = "beat" }

[[events]]
kind = "trade"
when = { "/e" = "t" }
rows = "/d/*"
symbol = "/s"
price = "/p"
size = "/q"
trade_id = "/i"

[[events]]
kind = "quote"
when = { "/e" = "q" }
symbol = "/s"
bid_price = "/b"
ask_price = "/a"
`);
const TRADE = { e: "t", d: [{ s: "A", p: "1.5", q: "2", i: 7 }] };
const QUOTE = { e: "q", s: "A", b: "1", a: null };

/** The account of frames that one session sent. */
function accountOf(...frames: readonly unknown[]): RuleAccount {
  const account = new RuleAccount(PLAN);
  account.open(1, PLAN.connections[0].id, "");
  frames.forEach((frame, at) =>
    account.read(1, { kind: "frame", payload: new TextEncoder().encode(JSON.stringify(frame)), binary: false }, at)
  );
  return account;
}

function drift(live: RuleAccount, { quiet = [], rejected = [] }: {
  readonly quiet?: readonly Channel[];
  readonly rejected?: readonly { readonly stream: string; readonly reason: string }[];
} = {}) {
  return findDrift(PLAN, {
    live,
    evidence: accountOf({ e: "beat" }, TRADE, QUOTE),
    asked: { channels: ["trades", "quotes"], quiet: new Set(quiet), rejected },
  });
}

function told({ findings }: { readonly findings: readonly Finding[] }): readonly string[] {
  return findings.map(({ code, about, text, count }) => `${code} ${about}: ${text} ${count}`);
}

Deno.test("findDrift() finds nothing where frames are as the evidence has them", () => {
  const { findings, rules } = drift(accountOf(TRADE, QUOTE, { ...QUOTE, b: null, a: "2" }));
  assert.deepEqual(findings, []);
  assert.deepEqual(rules, [
    { type: "control", name: "beat", count: 0, quiet: "no such frame was due" },
    { type: "event", name: "trade", count: 1, quiet: null },
    { type: "event", name: "quote", count: 2, quiet: null },
  ]);
});

Deno.test("findDrift() tells of frames that no rule reads, by their shape, and of those that one cannot read", () => {
  const other = { e: "new", x: [1, 2] };
  assert.deepEqual(told(drift(accountOf(TRADE, QUOTE, other, other, { e: "t", d: [{ s: "A", q: "2" }] }))), [
    "unmatched {e,x:[…]}: no rule matches these frames 2",
    "fault missing_field trade.price /p: a rule cannot read these frames 1",
  ]);
});

Deno.test("findDrift() tells of values of another kind, and of fields that no event has any more", () => {
  const numbers = { e: "t", d: [{ s: "A", p: 1.5, q: "2" }] };
  assert.deepEqual(told(drift(accountOf(numbers, numbers, numbers, QUOTE))), [
    "kind event trade /d/*/p: number instead of text 1",
    "lost_field event trade: no event has trade_id 3",
  ]);
});

Deno.test("findDrift() tells of a channel that is silent unless it may be, and of refused streams", () => {
  assert.deepEqual(told(drift(accountOf(QUOTE))), ["silent trades: was subscribed to and sent nothing 1"]);
  const { findings, rules } = drift(accountOf(QUOTE), { quiet: ["trades"] });
  assert.deepEqual(findings, []);
  assert.equal(rules.find(({ name }) => name === "trade")?.quiet, "its channel may be quiet");
  const rejected = [{ stream: "trades B", reason: "unknown symbol" }];
  assert.deepEqual(told(drift(accountOf(TRADE, QUOTE), { rejected })), ["rejected trades B: unknown symbol 1"]);
});
