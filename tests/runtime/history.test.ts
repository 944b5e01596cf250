import assert from "node:assert/strict";
import type { BackfillPlan } from "../../src/model/mod.ts";
import { fetchHistory, type HistoryStretch } from "../../src/runtime/history.ts";
import { KnownHistory } from "../../src/runtime/known_history.ts";
import { text } from "../support/rest_rig.ts";

const HOUR_US = 3_600_000_000;
const AT = 1_767_225_600_000_000;

const TARGET = { native: "A", symbol: "A", path: text("/trades?s=A&from={from_ms}"), body: null };
const BACKFILL: BackfillPlan = {
  ...{ name: "history", channel: "trades", connectionId: "public", method: "GET", targets: [TARGET] },
  ...{ direction: "forward", isExclusive: false, pageRows: 3, windowMs: null, retentionMs: null },
};

Deno.test("fetchHistory() ends at once where it is interrupted, and says from where on it is missing", async () => {
  const [from, to] = [AT, AT + 4 * HOUR_US];
  const stop = new AbortController();
  const asked: HistoryStretch[] = [];
  const whole = { reason: null, oldest: null, newest: null, filled: 2, isTooLong: false };
  const fetched = await fetchHistory({
    stream: { backfill: BACKFILL, target: TARGET },
    known: new KnownHistory({ exchange: "one", channel: "trades", symbols: new Set(["A"]), from, to }),
    ...{ from, to, liveFrom: null, signal: stop.signal, onProgress: () => {} },
    fetch: (stretch) => {
      asked.push(stretch);
      if (asked.length === 1) return Promise.resolve(whole);
      queueMicrotask(() => stop.abort());
      // An exchange that does not answer.
      return new Promise(() => {});
    },
  });
  assert.equal(asked.length, 2);
  assert.equal(fetched.fetched, 2);
  assert.deepEqual(fetched.missing, [{ from: AT + HOUR_US, to, reason: "interrupted" }]);
});
