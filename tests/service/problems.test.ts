import assert from "node:assert/strict";
import type { BookStatus, PollStatus, ServiceStatus } from "../../src/model/mod.ts";
import { healthBody, isReady } from "../../src/telemetry/mod.ts";
import { connection, instance, NOW, sink, snapshot } from "../telemetry/builders.ts";

const SECOND = 1_000_000;

function codes({ problems }: ServiceStatus): readonly string[] {
  return problems.map(({ scope, name, code }) => `${scope} ${name} ${code}`);
}

/** Asserts that a status has this one problem, is degraded and answered with 200, and is not ready. */
function assertDegraded(status: ServiceStatus, problem: string): void {
  assert.deepEqual(codes(status), [problem]);
  const { status: code, body } = healthBody(status);
  assert.equal(code, 200);
  assert.equal(Object(body).status, "degraded");
  assert.equal(isReady(status), false);
}

function book(state: BookStatus["state"], seconds: number): BookStatus {
  return { session: 7, symbol: "BTC/USDT", state, since: NOW - seconds * SECOND, cause: null };
}

Deno.test("problemsOf() names nothing while all is well", () => {
  assert.deepEqual(codes(snapshot()), []);
});

Deno.test("problemsOf() names a book that waits for its snapshot beyond the bound, not one within it", () => {
  for (const state of ["buffering", "empty"] as const) {
    assert.deepEqual(codes(snapshot({ instances: [instance({ books: [book(state, 10)] })] })), []);
    assertDegraded(snapshot({ instances: [instance({ books: [book(state, 16)] })] }), "book alpha buffering");
  }
  assertDegraded(snapshot({ instances: [instance({ books: [book("broken", 0)] })] }), "book alpha broken");
});

Deno.test("a socket of two that is away is named, and the service stays ready while the other shows all", () => {
  const away = connection({ key: "public~2", state: { kind: "waiting", attempt: 1, delayMs: 5, reason: "peer" } });
  const whole = connection({ key: "public" });
  const status = snapshot({ instances: [instance({ connections: [whole, away] })] });
  assert.deepEqual(codes(status), ["instance alpha not_connected"]);
  assert.match(status.problems[0].text, /^Connection public~2 is waiting: peer; public shows all of it$/);
  assert.equal(Object(healthBody(status).body).status, "degraded");
  assert.equal(isReady(status), true);
  const lacking = connection({ key: "public", streams: { ...whole.streams, stale: 1 } });
  for (const connections of [[lacking, away], [connection({ key: "other" }), away], [away]]) {
    assert.equal(isReady(snapshot({ instances: [instance({ connections })] })), false);
  }
  const fresh = connection({ key: "public~2", streams: { ...whole.streams, pending: 1 } });
  assert.equal(isReady(snapshot({ instances: [instance({ connections: [whole, fresh] })] })), true);
});

Deno.test("problemsOf() names a broken book where no other socket has a valid one of the symbol", () => {
  for (const state of ["broken", "buffering"] as const) {
    const books = [book("valid", 60), { ...book(state, 60), session: 8 }];
    assert.deepEqual(codes(snapshot({ instances: [instance({ books })] })), []);
    assert.equal(codes(snapshot({ instances: [instance({ books: [books[1], books[1]] })] })).length, 1);
  }
});

Deno.test("problemsOf() names a poll without an answer in its time, with the reason", () => {
  const poll = (rest: Partial<PollStatus>): PollStatus => ({
    request: "open_interest",
    stream: { channel: "derivative", symbol: "BTC/USDT:USDT" },
    everyMs: 5_000,
    lastAnswerTs: NOW - 6 * SECOND,
    since: NOW - 600 * SECOND,
    error: null,
    ...rest,
  });
  assert.deepEqual(codes(snapshot({ instances: [instance({ polls: [poll({})] })] })), []);
  for (const lastAnswerTs of [NOW - 21 * SECOND, null]) {
    const status = snapshot({ instances: [instance({ polls: [poll({ lastAnswerTs, error: "status 503" })] })] });
    assertDegraded(status, "rest alpha poll_late");
    assert.match(status.problems[0].text, /open_interest for derivative BTC\/USDT:USDT \(status 503\)/);
  }
});

Deno.test("problemsOf() names a file that was refused, while the earlier configuration runs on", () => {
  const refused = { at: NOW - SECOND, text: "collector.toml:3:5: Unknown key prot", errors: 2 };
  const status = snapshot({ config: { loaded: true, error: null, refused, needsRestart: [] } });
  assertDegraded(status, "config  refused");
  assert.match(status.problems[0].text, /collector\.toml:3:5: Unknown key prot \(and 1 more\)/);
});

Deno.test("problemsOf() names requests that have gone without an answer for long", () => {
  const of = (seconds: number) => {
    const since = NOW - seconds * SECOND;
    const request = { request: "depth", native: "BTCUSDT", since, attempts: 4, error: "status 429" };
    return snapshot({ instances: [instance({ requests: [request] })] });
  };
  assert.deepEqual(codes(of(5)), []);
  assertDegraded(of(11), "rest alpha request_failing");
});

Deno.test("problemsOf() names instrument lists that failed, that are of an earlier run, and symbols in none", () => {
  const instruments = { state: "fetched", since: NOW, error: null, unresolved: [] } as const;
  const of = (rest: object) => snapshot({ instances: [instance({ instruments: { ...instruments, ...rest } })] });
  assert.deepEqual(codes(of({})), []);
  for (const state of ["failed", "kept", "waiting"] as const) {
    assertDegraded(of({ state, error: "status 500" }), `instruments alpha ${state}`);
  }
  assertDegraded(of({ unresolved: ["FOO/USDT"] }), "instruments alpha unresolved");
});

Deno.test("problemsOf() names a journal that makes no progress, and one that fails as fatal", () => {
  const { journal } = snapshot();
  assert.ok(journal !== null);
  assert.deepEqual(codes(snapshot({ journal: { ...journal, waitingSince: NOW - 2 * SECOND } })), []);
  assertDegraded(snapshot({ journal: { ...journal, waitingSince: NOW - 6 * SECOND } }), "journal  not_syncing");
  assertDegraded(snapshot({ journal: { ...journal, full: true } }), "journal  full");
  const failed = snapshot({ journal: { ...journal, error: "disk full" } });
  assert.equal(healthBody(failed).status, 503);
});

Deno.test("problemsOf() names a sink that fails, is blocked, has ended, or commits nothing when due", () => {
  const of = (rest: Parameters<typeof sink>[0]) => snapshot({ sinks: [sink(rest)] });
  assertDegraded(of({ state: "delivering", error: "Cannot write" }), "sink archive failing");
  assertDegraded(of({ state: "blocked", error: "password refused" }), "sink archive blocked");
  assertDegraded(of({ state: "stopped" }), "sink archive stopped");
  assert.deepEqual(codes(of({ waitingSince: NOW - 10 * SECOND })), []);
  assertDegraded(of({ waitingSince: NOW - 12 * SECOND }), "sink archive late");
  assert.deepEqual(codes(of({ waitingSince: NOW - 200 * SECOND, commitEveryMs: 300_000 })), []);
});

Deno.test("problemsOf() names sockets that are not read, and a clock that was set", () => {
  const reading = (seconds: number) => ({ pausedSince: NOW - seconds * SECOND, reason: "the journal is at its cap" });
  assert.deepEqual(codes(snapshot({ reading: reading(1) })), []);
  assertDegraded(snapshot({ reading: reading(3) }), "journal  paused");
  const paused = connection({ state: { kind: "paused" } });
  assertDegraded(
    snapshot({ reading: reading(3), instances: [instance({ connections: [paused] })] }),
    "journal  paused",
  );
  assert.equal(isReady(snapshot({ instances: [instance({ connections: [paused] })] })), true, "a moment's pause");
  for (const byMs of [-8 * 3_600_000, 2_000]) {
    assertDegraded(snapshot({ clock: { lastStep: { at: NOW - SECOND, byMs } } }), "clock  step");
  }
  assert.deepEqual(codes(snapshot({ clock: { lastStep: { at: NOW - 3_600 * SECOND, byMs: 2_000 } } })), []);
});

Deno.test("problemsOf() names connections and streams that are not live, and says what each one lacks", () => {
  const waiting = connection({ state: { kind: "waiting", attempt: 2, delayMs: 500, reason: "refused" } });
  assertDegraded(snapshot({ instances: [instance({ connections: [waiting] })] }), "instance alpha not_connected");
  const streams = { live: 1, acked: 0, pending: 0, rejected: 0, stale: 1 };
  assertDegraded(snapshot({ instances: [instance({ connections: [connection({ streams })] })] }), "stream alpha stale");
});

Deno.test("docs/operations.md names every code of a problem", () => {
  const root = new URL("../../", import.meta.url);
  const source = Deno.readTextFileSync(new URL("src/service/problems.ts", root));
  const codes = [...source.matchAll(/\bcode: "(\w+)"/g)].map(([, code]) => code);
  assert.ok(codes.length > 15);
  const page = Deno.readTextFileSync(new URL("docs/operations.md", root));
  const table = page.slice(page.indexOf("| scope "), page.indexOf("An instance's `state`"));
  assert.deepEqual(codes.filter((code) => !table.includes(`\`${code}\``)), []);
});

Deno.test("problemsOf() names a connection that a bug ended, and records whose derivation one stopped", () => {
  const faulted = connection({ state: { kind: "faulted", reason: "bug: TypeError: x is undefined" } });
  const status = snapshot({ instances: [instance({ connections: [faulted] })] });
  assertDegraded(status, "instance alpha faulted");
  assert.match(status.problems[0].text, /public is faulted: bug: TypeError: x is undefined/);
  const quarantined = (seconds: number) =>
    snapshot({
      instances: [
        instance({ quarantined: { records: 2, offset: 99, at: NOW - seconds * SECOND, error: "TypeError: y" } }),
      ],
    });
  assertDegraded(quarantined(599), "instance alpha quarantined");
  assert.match(quarantined(1).problems[0].text, /2 records, the last at offset 99: TypeError: y/);
  assert.deepEqual(codes(quarantined(601)), []);
});

Deno.test("problemsOf() counts the time that has passed where the clock was set in between", () => {
  const books = (since: number) => [instance({ books: [{ ...book("buffering", 0), since }] })];
  const hour = 3_600 * SECOND;
  for (const by of [hour, -hour]) {
    // Set one second ago.
    const clock = { lastStep: { at: NOW - SECOND, byMs: by / 1000 } };
    const fresh = snapshot({ instances: books(NOW - by - 2 * SECOND), clock });
    assert.deepEqual(codes(fresh), ["clock  step"], "waiting since two seconds");
    const old = snapshot({ instances: books(NOW - by - 20 * SECOND), clock });
    assert.deepEqual(codes(old), ["book alpha buffering", "clock  step"], "waiting since twenty seconds");
    assert.match(old.problems[0].text, /for 20 s/);
  }
});
