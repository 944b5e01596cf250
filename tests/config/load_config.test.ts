import assert from "node:assert/strict";
import fc from "fast-check";
import { loadConfig, loadDescriptor } from "../../src/config/mod.ts";
import { buildExchange } from "../../src/config/plan/mod.ts";
import { renderTemplate, revealAll, showTemplate } from "../../src/model/mod.ts";
import { COLLECTOR, DESCRIPTOR, INSTANCE, issueLines, loadFiles, RUN } from "./support.ts";

/** Issues of a whole load in which only the descriptor is broken. */
function descriptorIssues(text: string, environment: Readonly<Record<string, string>> = {}): readonly string[] {
  const files = { [COLLECTOR]: RUN + INSTANCE, "okx.toml": text };
  return issueLines(loadFiles(buildExchange, files, { environment }).issues);
}

Deno.test("loadConfig() takes a 1.4 descriptor without any extension", () => {
  const files: Readonly<Record<string, string>> = { [COLLECTOR]: RUN + INSTANCE, "okx.toml": DESCRIPTOR };
  const { issues, exchanges, plan } = loadConfig({
    path: COLLECTOR,
    readText: (path) => files[path] ?? null,
    environment: () => undefined,
    builtin: () => null,
  });
  assert.deepEqual(issueLines(issues), []);
  assert.deepEqual(exchanges[0].runnable?.connections.map(({ key, requests }) => [key, requests.length]), [[
    "public",
    1,
  ]]);
  assert.deepEqual(plan?.exchanges, exchanges);
});

Deno.test("loadConfig() points errors of a generator into its own line of a multi-line string", () => {
  assert.deepEqual(descriptorIssues(DESCRIPTOR.replace("{symbol}", "{symbl}")), [
    'okx.toml:14:43+7 error okx: Unknown placeholder {symbl}: did you mean "symbol"?',
  ]);
  assert.deepEqual(descriptorIssues(DESCRIPTOR.replace("in channels", "in chanels")), [
    'okx.toml:13:17+7 error okx: Unknown list chanels: did you mean "channels"?',
  ]);
  assert.deepEqual(descriptorIssues(DESCRIPTOR.replace("');", "')")), [
    "okx.toml:15:3+1 error okx: Expected ; after emit(…), found }",
  ]);
});

Deno.test("loadConfig() points errors of expressions behind escapes and line-ending backslashes", () => {
  const rule = `[[events]]
kind = "trade"
symbol = "concat(\\"\\u0041\\" , uper(s))"
price = """
concat(a, \\
    uper(b))"""
size = "a ??"
`;
  const lines = descriptorIssues(DESCRIPTOR + rule);
  assert.deepEqual(lines.map((line) => line.split(" ", 1)[0]), [
    "okx.toml:24:31+4",
    "okx.toml:27:5+4",
    "okx.toml:28:13+1",
  ]);
  assert.ok(lines[1].includes('did you mean "upper"?'), lines[1]);
});

Deno.test("loadConfig() points at pointers, references and addresses that are wrong", () => {
  const place = (text: string) => descriptorIssues(text).map((line) => line.split(" ", 1)[0]);
  assert.deepEqual(place(DESCRIPTOR.replace('symbol = "/symbol"', 'symbol = "symbol"')), ["okx.toml:21:10+8"]);
  assert.deepEqual(place(DESCRIPTOR.replace('connection_id = "public"', 'connection_id = "publik"')), [
    "okx.toml:10:17+8",
  ]);
  assert.deepEqual(place(DESCRIPTOR.replace('"wss:', '"htps:')), ["okx.toml:7:9+30"]);
  assert.deepEqual(place(DESCRIPTOR.replace('public"]', 'public?k={arg:nope}"]')), ["okx.toml:7:40+10"]);
});

Deno.test("loadConfig() checks languages also where the shape is wrong elsewhere", () => {
  const text = DESCRIPTOR.replace("{symbol}", "{symbl}").replace("[meta]", "[meta]\nnmae = 1");
  assert.deepEqual(descriptorIssues(text), [
    'okx.toml:2:1+4 error okx: Unknown key "nmae" in [meta]: did you mean "name"?',
    'okx.toml:15:43+7 error okx: Unknown placeholder {symbl}: did you mean "symbol"?',
  ]);
});

Deno.test("loadConfig() never shows a value that a template reads from the environment", () => {
  const secret = "hunter2-hunter2";
  const template = fc.constantFrom(
    'urls = ["wss://x/{env:TOKEN}/{nope}"]',
    'urls = ["{env:TOKEN}", "htps://{env:TOKEN}"]',
    'urls = ["wss://x"]\nkeepalive = { mode = "application", template = "{env:TOKEN}{arg:x}" }',
    'urls = ["wss://x"]\nhello = ["{\\"a\\": {env:TOKEN}", "{env:TOKEN"]',
  );
  fc.assert(fc.property(template, (lines) => {
    const text = DESCRIPTOR.replace(/urls = .*/, () => lines);
    assert.ok(!descriptorIssues(text, { TOKEN: secret }).join("\n").includes(secret));
  }));
});

Deno.test("loadConfig() keeps a token in an overridden address out of everything that the plan shows", () => {
  const overrides = `[exchange.overrides]\nurls = ["wss://x/?t=\${TOKEN}"]\n`;
  const files = { [COLLECTOR]: RUN + INSTANCE + overrides, "okx.toml": DESCRIPTOR };
  const { exchanges } = loadFiles(buildExchange, files, { environment: { TOKEN: "hunter2" } });
  const urls = exchanges[0].runnable?.connections.flatMap((connection) => connection.urls) ?? [];
  assert.deepEqual(urls.map(showTemplate), ["wss://x/?t={env:TOKEN}"]);
  assert.deepEqual(urls.map((url) => renderTemplate(url, {})), ["wss://x/?t=hunter2"]);
});

Deno.test("loadConfig() hides a filled-in address that has a query, and the part of a REST address that is filled in", () => {
  const rest = '[rest]\nbase_urls = ["https://x"]\n';
  const overrides = '[exchange.overrides]\nurls = ["${WHOLE}", "${PLAIN}"]\nbase_urls = ["https://x/${TOKEN}/"]\n';
  const files = { [COLLECTOR]: RUN + INSTANCE + overrides, "okx.toml": DESCRIPTOR + rest };
  const environment = { TOKEN: "hunter2", WHOLE: "wss://x/?key=hunter2", PLAIN: "wss://y/stream" };
  const runnable = loadFiles(buildExchange, files, { environment }).exchanges[0].runnable;
  assert.deepEqual(runnable?.connections[0].urls.map(showTemplate), ["{env:WHOLE}", "wss://y/stream"]);
  assert.deepEqual(runnable?.connections[0].urls.map((url) => renderTemplate(url, {}))[0], environment.WHOLE);
  assert.deepEqual(runnable?.rest.baseUrls.map(showTemplate), ["https://x/{env:TOKEN}"]);
  assert.deepEqual(runnable?.rest.baseUrls.map((url) => renderTemplate(url, {})), ["https://x/hunter2"]);
});

Deno.test("loadConfig() fills environment values into headers, and reports a missing one at its place", () => {
  const text = DESCRIPTOR.replace(/urls = .*/, (line) => `${line}\nheaders = { "X-Key" = "{env:TOKEN}" }`);
  const files = { [COLLECTOR]: RUN + INSTANCE, "okx.toml": text };
  const { exchanges } = loadFiles(buildExchange, files, { environment: { TOKEN: "hunter2" } });
  const headers = exchanges[0].runnable?.connections[0].headers ?? {};
  assert.deepEqual(revealAll(headers), { "X-Key": "hunter2" });
  assert.equal(JSON.stringify(headers), '{"X-Key":"***"}');
  const [issue, ...others] = descriptorIssues(text);
  assert.deepEqual(others, []);
  assert.match(issue, /^okx\.toml:\d+:\d+\+11 error okx: Environment variable TOKEN is not set$/);
});

Deno.test("loadConfig() tells where health is to be served, also where the rest of the file is broken", () => {
  const { plan, http } = loadFiles(buildExchange, { [COLLECTOR]: "[run]\nhttp_port = 8123\nlog_levl = 1\n" });
  assert.equal(plan, null);
  assert.deepEqual({ host: http.host, port: http.port }, { host: "127.0.0.1", port: 8123 });
  const wrong = loadFiles(buildExchange, { [COLLECTOR]: '[run]\nhttp_port = "x"\nhttp_host = "0.0.0.0"\n' });
  assert.deepEqual({ host: wrong.http.host, port: wrong.http.port }, { host: "0.0.0.0", port: null });
});

Deno.test("loadConfig() never throws, whatever is changed in a descriptor", () => {
  const rules = `
[[control]]
name = "pong"
when = { "/op" = "pong" }
action = "pong"
[[events]]
kind = "book"
when = "starts_with(channel, 'book')"
rows = "/data/*"
symbol = { at = ["/s", "root.arg.instId"], map = { a = "b" }, other = "c" }
bids = "/b/*"
asks = "/a/*"
[maps]
channel_map = { trades = "trade", book = "depth" }
`;
  const whole = DESCRIPTOR + rules;
  const put = fc.constantFrom(
    "",
    "'",
    '"',
    "{",
    "}",
    "(",
    ")",
    "/",
    "*",
    "~",
    "\\",
    "\n",
    ";",
    "{symbol}",
    "{env:A}",
    "??",
    "[",
    "]",
    "=",
    "\u0000",
  );
  const change = fc.tuple(fc.nat(whole.length), fc.nat(6), put);
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
      const text = changes.reduce((old, [at, cut, add]) => old.slice(0, at) + add + old.slice(at + cut), whole);
      const { exchanges } = loadFiles(buildExchange, { [COLLECTOR]: RUN + INSTANCE, "okx.toml": text });
      const [exchange] = exchanges;
      const lines = text.split("\n").length;
      const hasError = exchange.issues.some((issue) => issue.severity === "error");
      assert.equal(exchange.runnable === null, hasError);
      for (const issue of exchange.issues) {
        assert.ok(issue.file === COLLECTOR || issue.line <= lines);
        assert.ok(issue.column >= 1 && issue.column <= issue.sourceLine.length + 1, JSON.stringify(issue));
      }
    }),
    { numRuns: 300 },
  );
});

Deno.test("loadDescriptor() gives the frames of a descriptor alone, or says why not", () => {
  const load = (text: string) =>
    loadDescriptor({ file: { path: "x/okx.toml", text }, readText: () => null, environment: () => undefined });
  const good = load(DESCRIPTOR);
  assert.deepEqual(issueLines(good.issues), []);
  assert.deepEqual([good.name, good.version, good.frames?.exchange, good.frames?.wanted], ["okx", "1.4", "okx", null]);
  const broken = load(DESCRIPTOR.replace("{symbol}", "{symbl}"));
  assert.equal(broken.frames, null);
  assert.deepEqual(issueLines(broken.issues), [
    'x/okx.toml:14:43+7 error -: Unknown placeholder {symbl}: did you mean "symbol"?',
  ]);
  assert.deepEqual([load("[meta").name, load("[meta").frames], [null, null]);
});
