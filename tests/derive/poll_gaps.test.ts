import assert from "node:assert/strict";
import { type Gap, missedAnswerBody } from "../../src/model/mod.ts";
import { Pipeline } from "../../src/derive/mod.ts";
import { loadShipped } from "../support/shipped_descriptor.ts";

const AT = 1_767_225_600_000_000;
const SECOND = 1_000_000;

Deno.test("a poll without an answer has a gap from its last answer to its next", () => {
  const { frames } = loadShipped("binance-usdm");
  const pipeline = new Pipeline([frames], { enabled: false, windowSeconds: 300, keysMax: 1000 });
  let offset = 0;
  const give = (at: number, status: number, body: Uint8Array): Gap[] =>
    pipeline.process(offset++, {
      kind: "http",
      at,
      exchange: frames.exchange,
      planHash: null,
      session: null,
      request: "open_interest",
      native: "BTCUSDT",
      url: "",
      status,
      body,
    }).envelopes.flatMap(({ event }) => event.kind === "gap" ? [event] : []);
  const answer = new TextEncoder().encode('{"openInterest":"10.5","symbol":"BTCUSDT","time":1767225600000}');
  assert.deepEqual(give(AT, 200, answer), []);
  const missed = missedAnswerBody({ from: AT, reason: "status 503" });
  const [opened] = give(AT + 21 * SECOND, 0, missed);
  assert.deepEqual([opened.state, opened.from_ts, opened.to_ts, opened.detail], ["opened", AT, null, "status 503"]);
  assert.deepEqual(give(AT + 25 * SECOND, 0, missed), [], "one gap, however often it is told");
  const [closed] = give(AT + 30 * SECOND, 200, answer);
  assert.deepEqual(
    [closed.gap_id, closed.state, closed.from_ts, closed.to_ts],
    [opened.gap_id, "closed", AT, AT + 30 * SECOND],
  );
});

Deno.test("a checkpoint holds the last answers to polls that go on", () => {
  const { frames } = loadShipped("binance-usdm");
  const make = () => new Pipeline([frames], { enabled: false, windowSeconds: 300, keysMax: 1000 });
  const first = make();
  const poll = {
    exchange: frames.exchange,
    planHash: null,
    session: null,
    request: "open_interest",
    native: "BTCUSDT",
    url: "",
  } as const;
  const give = (pipeline: Pipeline, at: number, status: number, body: Uint8Array) =>
    pipeline.process(at, { kind: "http", at, ...poll, status, body });
  const text = (value: string) => new TextEncoder().encode(value);
  give(first, AT, 200, text('{"openInterest":"10.5","symbol":"BTCUSDT","time":1767225600000}'));
  give(first, AT + SECOND, 200, text('{"code":-1003,"msg":"Too many requests"}'));
  const second = make();
  second.restoreState([...first.saveState()]);
  const { exchange, planHash, request, native } = poll;
  const answer = { exchange, planHash, request, native, at: AT };
  assert.deepEqual([...second.pollAnswers()], [answer], "an error is no answer");
  give(second, AT + 2 * SECOND, 0, missedAnswerBody({ from: AT, reason: "polling has ended" }));
  assert.deepEqual([...second.pollAnswers()], []);
});
