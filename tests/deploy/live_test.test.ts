import assert from "node:assert/strict";
import { parseYaml, type Yaml } from "../support/yaml.ts";

const WORKFLOW = new URL("../../docs/deploy/github/live-test.yml", import.meta.url);

function member(value: Yaml, ...keys: readonly string[]): Yaml {
  return keys.reduce<Yaml>((at, key) => {
    assert.ok(typeof at === "object" && !Array.isArray(at), key);
    return (at as { readonly [key: string]: Yaml })[key];
  }, value);
}

Deno.test("the workflow of live tests runs each day, with a task that exists, and keeps its report", () => {
  const workflow = parseYaml(Deno.readTextFileSync(WORKFLOW));
  const schedule = member(workflow, "on", "schedule") as readonly Yaml[];
  assert.match(String(member(schedule[0], "cron")), /^(?:\d+|\*) (?:\d+|\*) \* \* \*$/);
  assert.deepEqual(member(workflow, "permissions"), { contents: "read" });
  const steps = member(workflow, "jobs", "live-test", "steps") as readonly Yaml[];
  const run = String(steps.map((step) => member(step, "run")).find((text) => text !== undefined));
  const [, version, task] = /deno@([\d.]+) task (\S+) /.exec(run) ?? [];
  const { tasks } = JSON.parse(Deno.readTextFileSync(new URL("../../deno.json", import.meta.url)));
  assert.equal(version, "2.9.6");
  assert.match(tasks[task], /main\.ts test --live$/);
  const [, report] = /--report (\S+)/.exec(run) ?? [];
  assert.equal(member(steps.at(-1) ?? null, "with", "path"), report);
});

Deno.test("parseYaml() reads maps, lists and texts, and refuses what it does not know", () => {
  const text = '# c\na: 1\nb:\n  - x: "y: z"\n    w: true\n  - plain text\nc:\n  d: ""\ne:\n';
  assert.deepEqual(parseYaml(text), { a: "1", b: [{ x: "y: z", w: "true" }, "plain text"], c: { d: "" }, e: null });
  assert.throws(() => parseYaml("a:\n\tb: 1\n"), /line 2/);
  assert.throws(() => parseYaml("a: 1\n  b: 2\n"), /line 2/);
  assert.throws(() => parseYaml("a: &x 1\n"), /line 1/);
});
