import assert from "node:assert/strict";
import { Failure, type HttpRecord, type RestPlan } from "../../src/model/mod.ts";
import { type MissedPoll, RestRunner } from "../../src/rest/mod.ts";
import { type Reply, restPlan, restRequest, restRig } from "../support/rest_rig.ts";

function runnerRig(plan: RestPlan, reply: (url: string, count: number) => Reply = () => ({})) {
  const rig = restRig(reply);
  const answers: HttpRecord[] = [];
  const missed: MissedPoll[] = [];
  const runner = new RestRunner({
    exchange: "one",
    plan,
    client: rig.client,
    clock: rig.clock,
    onAnswer: (record) => {
      answers.push(record);
      return new TextDecoder().decode(record.body) === "[]" ? "empty_answer: []" : null;
    },
    onMissed: (one) => missed.push(one),
  });
  return { ...rig, runner, answers, missed };
}

const book = (symbol: string) => ({ channel: "book", symbol } as const);

Deno.test("RestRunner asks for the snapshot of each acknowledged stream of its connection, once", async () => {
  const rig = runnerRig(restPlan([restRequest("depth", ["A", "B", "C"])]));
  rig.runner.streamsAcked(7, "public", [book("A"), { channel: "trades", symbol: "B" }]);
  rig.runner.streamsAcked(7, "private", [book("C")]);
  await rig.clock.advance(1);
  rig.runner.streamsAcked(7, "public", [book("C")]);
  await rig.clock.advance(60_000);
  assert.deepEqual(rig.asked.map(({ url }) => url.slice(url.indexOf("="))), ["=A", "=C"]);
  const [first] = rig.answers;
  assert.deepEqual(
    [first.kind, first.session, first.request, first.native, first.status, first.url],
    ["http", 7, "depth", "A", 200, "https://api.example.com/depth?symbol=A"],
  );
});

Deno.test("RestRunner asks for a list once a session, however many acknowledgements come", async () => {
  const rig = runnerRig(restPlan([restRequest("list", [])]));
  for (let i = 0; i < 50; i++) {
    rig.runner.streamsAcked(7, "public", [book(`S${i}`)]);
    await rig.clock.advance(100);
  }
  assert.equal(rig.asked.length, 1);
  rig.runner.sessionClosed(7);
  rig.runner.streamsAcked(8, "public", [book("S1")]);
  await rig.clock.advance(100);
  assert.equal(rig.asked.length, 2);
});

Deno.test("RestRunner.ask() sees what is under way, and asks again for what was answered", async () => {
  const rig = runnerRig(restPlan([restRequest("depth", ["A"])]), (_, count) => count === 1 ? null : {});
  rig.runner.streamsAcked(7, "public", [book("A")]);
  await rig.clock.advance(1_000);
  for (let i = 0; i < 10; i++) rig.runner.ask(7, "depth", "A");
  await rig.clock.advance(1_000);
  assert.equal(rig.asked.length, 1);
  await rig.clock.advance(60_000);
  assert.equal(rig.asked.length, 2);
  rig.runner.ask(7, "depth", "A");
  await rig.clock.advance(1_000);
  assert.equal(rig.asked.length, 3);
});

Deno.test("RestRunner asks again for a snapshot that was none, with growing delays, until the session ends", async () => {
  const rig = runnerRig(restPlan([restRequest("depth", ["A"])]), () => ({ body: "[]" }));
  rig.runner.streamsAcked(7, "public", [book("A")]);
  await rig.clock.advance(600_000);
  const asked = rig.asked.length;
  assert.ok(asked > 10 && asked < 30, `${asked} attempts in ten minutes`);
  assert.equal(rig.answers.length, asked, "each answer is kept");
  rig.runner.sessionClosed(7);
  await rig.clock.advance(600_000);
  assert.equal(rig.asked.length, asked);
});

Deno.test("RestRunner polls at the interval and says how each poll is doing", async () => {
  const rig = runnerRig(restPlan([restRequest("interest", ["A", "B"], 10_000)]));
  const [before] = rig.runner.polls;
  assert.deepEqual([before.lastAnswerTs, before.error, before.everyMs], [null, null, 10_000]);
  rig.runner.start();
  await rig.clock.advance(60_000 - 1);
  assert.deepEqual(rig.asked.filter(({ url }) => url.endsWith("A")).map(({ atMs }) => atMs), [
    0,
    10_000,
    20_000,
    30_000,
    40_000,
    50_000,
  ]);
  const [poll] = rig.runner.polls;
  assert.deepEqual(poll.stream, { channel: "derivative", symbol: "A" });
  assert.equal(poll.lastAnswerTs, poll.since + 50_000_000);
  assert.equal(rig.answers[0].session, null);
  rig.runner.stop();
  await rig.clock.advance(60_000);
  assert.equal(rig.asked.length, 12);
});

Deno.test("RestRunner tells a poll that goes without an answer beyond its interval once, until it is answered", async () => {
  let fails = false;
  const rig = runnerRig(
    restPlan([restRequest("interest", ["A"], 10_000)]),
    () => fails ? { body: "[]" } : {},
  );
  rig.runner.start();
  await rig.clock.advance(25_000);
  assert.equal(rig.missed.length, 0);
  fails = true;
  await rig.clock.advance(60_000);
  assert.equal(rig.missed.length, 1);
  const [missed] = rig.missed;
  assert.deepEqual([missed.request, missed.native, missed.reason], ["interest", "A", "empty_answer: []"]);
  assert.equal(missed.from, rig.runner.polls[0].since + 20_000_000, "it begins with the last answer");
  assert.equal(rig.runner.polls[0].error, "empty_answer: []");
  fails = false;
  await rig.clock.advance(20_000);
  assert.equal(rig.runner.polls[0].error, null);
  fails = true;
  await rig.clock.advance(60_000);
  assert.equal(rig.missed.length, 2);
});

Deno.test("RestRunner.stop() tells that the answers of its polls end, and of those that had none nothing", async () => {
  const rig = runnerRig(
    restPlan([restRequest("interest", ["A", "B"], 10_000)]),
    (url) => url.endsWith("B") ? new Failure("connect", "refused") : {},
  );
  rig.runner.start();
  await rig.clock.advance(5_000);
  rig.runner.stop();
  rig.runner.stop();
  assert.deepEqual(rig.missed.map(({ native, reason }) => [native, reason]), [["A", "polling has ended"]]);
});

Deno.test("RestRunner polls that hang delay no snapshot", async () => {
  const symbols = Array.from({ length: 100 }, (_, i) => `S${i}`);
  const rig = runnerRig(
    restPlan([restRequest("interest", symbols, 1_000), restRequest("depth", ["A"])]),
    (url) => url.includes("interest") ? null : {},
  );
  rig.runner.start();
  await rig.clock.advance(5_000);
  rig.runner.streamsAcked(7, "public", [book("A")]);
  await rig.clock.advance(1);
  assert.deepEqual(rig.answers.map(({ native }) => native), ["A"]);
});
