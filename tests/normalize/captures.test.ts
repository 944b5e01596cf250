import assert from "node:assert/strict";
import { renderTemplate } from "../../src/model/mod.ts";
import { describedFrames, describedIssues, DescribedReader } from "../support/described.ts";

const control = (capture: string, reply: string) => `
[[control]]
name = "ping"
when = { "/ping" = { exists = true } }
action = "reply"
capture = ${capture}
reply = '${reply}'
[[events]]
kind = "trade"
symbol = "/s"
price = "/p"
size = "/q"
`;

Deno.test("a reply holds several values of the frame that it answers", () => {
  const plan = describedFrames(
    control('{ id = "/ping", at = "/time" }', '{"pong":"{capture:id}","time":"{capture:at}"}'),
  );
  const reply = (frame: string) => {
    const { signal } = new DescribedReader(plan).read(frame);
    assert.ok(signal !== null && plan.controls[0].reply !== null);
    return renderTemplate(plan.controls[0].reply, { captures: signal.captures ?? {} });
  };
  assert.equal(
    reply('{"ping":"2177c68e","time":"2022-06-07T16:27:36.323+0800"}'),
    '{"pong":"2177c68e","time":"2022-06-07T16:27:36.323+0800"}',
  );
  assert.equal(reply('{"ping":"a\\"b"}'), '{"pong":"a\\"b","time":""}');
});

Deno.test("loadDescriptor() says what a reply names that is not captured", () => {
  assert.deepEqual(describedIssues(control('{ id = "/ping" }', '{"pong":"{capture:ip}"}')), [
    'Nothing is captured as ip: did you mean "id"?',
  ]);
  assert.deepEqual(describedIssues(control('{ id = "/ping" }', '{"pong":{capture}}')), [
    "No `capture`: it says what {capture} stands for",
  ]);
  assert.deepEqual(describedIssues(control('"/ping"', '{"pong":"{capture:id}"}')), ["Nothing is captured as id"]);
});
