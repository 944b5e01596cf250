import assert from "node:assert/strict";
import { LogTail, RateBoard } from "../../src/api/mod.ts";
import { PAGE_BUCKET_MS, PAGE_BUCKETS, PAGE_LOG_LINES, Secret, Secrets } from "../../src/model/mod.ts";
import { startApi } from "../support/api_rig.ts";
import { EVERY_OBSERVATION, instance, snapshot } from "../telemetry/builders.ts";

Deno.test("RateBoard counts frames by bucket of time and forgets those that have passed", () => {
  let nowMs = 10 * PAGE_BUCKET_MS;
  const rates = new RateBoard(() => nowMs);
  const frame = { ...EVERY_OBSERVATION.frame_received, exchange: "alpha" };
  rates.observe(frame);
  rates.observe(frame);
  nowMs += PAGE_BUCKET_MS;
  rates.observe(frame);
  assert.deepEqual(rates.ratesOf("alpha").frames.slice(-3), [0, 2, 1]);
  assert.equal(rates.ratesOf("alpha").frames.length, PAGE_BUCKETS);
  nowMs += (PAGE_BUCKETS - 1) * PAGE_BUCKET_MS;
  assert.deepEqual(rates.ratesOf("alpha").frames.filter((frames) => frames > 0), [1]);
  nowMs += 1_000_000 * PAGE_BUCKET_MS;
  assert.deepEqual(rates.ratesOf("alpha").frames.filter((frames) => frames > 0), []);
  assert.equal(rates.ratesOf("beta").lagMs, null);
});

Deno.test("LogTail keeps the last lines from info on, one of those that repeat themselves", () => {
  const tail = new LogTail(() => 1);
  for (let i = 0; i < 5; i++) tail.observe(EVERY_OBSERVATION.config_waiting);
  tail.observe(EVERY_OBSERVATION.frame_received);
  assert.deepEqual(tail.lines.map(({ level }) => level), ["error"]);
  for (let i = 0; i < PAGE_LOG_LINES * 3; i++) tail.observe({ kind: "started", version: String(i) });
  assert.equal(tail.lines.length, PAGE_LOG_LINES);
  assert.match(tail.lines.at(-1)?.text ?? "", new RegExp(`${PAGE_LOG_LINES * 3 - 1}$`));
});

Deno.test("the files of the page are there for all, in no frame and with nothing of elsewhere; what it shows is not", async () => {
  const token = new Secret("http_token", "0123456789abcdef");
  await using rig = await startApi({ access: { token } });
  for (const path of ["/", "/app.js", "/style.css", "/favicon.svg"]) {
    const answer = await fetch(rig.base + path);
    const text = await answer.text();
    assert.equal(answer.status, 200, path);
    assert.match(answer.headers.get("content-security-policy") ?? "", /default-src 'none'.*frame-ancestors 'none'/);
    const elsewhere = text.replaceAll("http://www.w3.org/2000/svg", "").match(/https?:\/\/|@import|url\(/);
    assert.equal(elsewhere, null, `${path} names ${elsewhere}`);
  }
  for (const path of ["/api/v1/overview", "/api/v1/overview/events"]) {
    const answer = await fetch(rig.base + path);
    assert.equal(answer.status, 401, path);
    await answer.body?.cancel();
  }
});

Deno.test("/api/v1/overview hides secrets, and its stream begins with the whole and ends with the reason", async () => {
  const secrets = new Secrets();
  secrets.add("{env:KEY}", 's3cret"value');
  const current = () => snapshot({ instances: [instance({ errors: ['no such host s3cret"value'] })] });
  const rig = await startApi({ current, secrets });
  const body = await (await fetch(`${rig.base}/api/v1/overview`)).text();
  assert.ok(!body.includes("s3cret") && JSON.parse(body).exchanges[0].errors[0] === "no such host {env:KEY}", body);
  const answer = await fetch(`${rig.base}/api/v1/overview/events`);
  const text = answer.text();
  await rig[Symbol.asyncDispose]();
  assert.match(await text, /^: begin\n\nevent: overview\ndata: \{"at".*\n\nevent: end\ndata: .*the collector stops/s);
});
