import assert from "node:assert/strict";
import type { Issue } from "../../src/model/mod.ts";
import { countIssues, issueToJson, renderIssue } from "../../src/config/render_issue.ts";

const ISSUE: Issue = {
  severity: "error",
  file: "config/collector.toml",
  line: 12,
  column: 8,
  length: 3,
  message: 'Unknown key "abc"',
  sourceLine: "\tkey = abc # why",
  exchange: "okx",
};

Deno.test("renderIssue() shows place, severity, instance, line and caret", () => {
  assert.equal(
    renderIssue(ISSUE, { color: false }),
    'config/collector.toml:12:8: error: exchange okx: Unknown key "abc"\n' +
      "12 | \tkey = abc # why\n" +
      "   | \t      ^^^",
  );
});

Deno.test("renderIssue() leaves line and instance out where there is none", () => {
  assert.equal(
    renderIssue({ ...ISSUE, sourceLine: "", exchange: null, severity: "warning" }, { color: false }),
    'config/collector.toml:12:8: warning: Unknown key "abc"',
  );
});

Deno.test("renderIssue() cuts long lines around the caret", () => {
  const sourceLine = `${"a".repeat(500)}X${"b".repeat(500)}`;
  const [, source, caret] = renderIssue({ ...ISSUE, sourceLine, column: 501, length: 1 }, { color: false }).split("\n");
  assert.ok(source.length < 180);
  assert.equal(source[caret.indexOf("^")], "X");
});

Deno.test("renderIssue() colours with color alone, and shows no control characters of the file", () => {
  const sourceLine = "a = \u001b[31mred";
  assert.ok(!renderIssue({ ...ISSUE, sourceLine }, { color: false }).includes("\u001b"));
  assert.ok(renderIssue(ISSUE, { color: true }).includes("\u001b[31m^^^\u001b[0m"));
});

Deno.test("issueToJson() has every field of an issue", () => {
  assert.deepEqual(issueToJson(ISSUE), {
    severity: "error",
    file: "config/collector.toml",
    line: 12,
    column: 8,
    length: 3,
    exchange: "okx",
    message: 'Unknown key "abc"',
    source_line: "\tkey = abc # why",
  });
});

Deno.test("countIssues() counts errors and warnings", () => {
  assert.equal(countIssues([]), "No issues");
  assert.equal(countIssues([ISSUE, ISSUE, { ...ISSUE, severity: "warning" }]), "2 errors, 1 warning");
});
