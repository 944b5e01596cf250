import assert from "node:assert/strict";
import type { ConnectionPlan, ExchangePlan } from "../../src/model/mod.ts";
import type { InstanceEntry } from "../../src/config/collector_file.ts";
import { NO_PLACE } from "../../src/config/position.ts";
import { checkSocketTotals } from "../../src/config/socket_totals.ts";

interface Sockets {
  readonly url?: string;
  readonly count: number;
  readonly most?: number;
  readonly maxAgeMs?: number;
  readonly proxy?: string;
}

function exchange(name: string, ...groups: readonly Sockets[]): ExchangePlan {
  const connections = groups.flatMap(({ url = "wss://one.test/ws", count, most, maxAgeMs = null, proxy }) =>
    Array.from({ length: count }, () => ({
      urls: [{ source: url, parts: [url] }],
      requests: [{}],
      maxAgeMs,
      ...(most === undefined ? {} : { socketsMax: most }),
      ...(proxy === undefined ? {} : { proxy }),
    } as unknown as ConnectionPlan))
  );
  const silent = { urls: [], requests: [] } as unknown as ConnectionPlan;
  return { name, issues: [], runnable: { connections: [...connections, silent] } } as unknown as ExchangePlan;
}

function check(exchanges: readonly ExchangePlan[], inGroup = false) {
  const instances = exchanges.map(() => ({ locate: () => NO_PLACE }) as unknown as InstanceEntry);
  return checkSocketTotals(exchanges, { instances, inGroup }).map(({ runnable, issues }) => ({
    runs: runnable !== null,
    issues: issues.map(({ severity, message }) => `${severity}: ${message}`),
  }));
}

Deno.test("an instance that needs more sockets than an address may open does not run, and is told how many", () => {
  const [one, two, three] = check([
    exchange("a", { count: 3, most: 4 }),
    exchange("b", { count: 2, url: "wss://ONE.test/other" }),
    exchange("c", { count: 1 }),
  ]);
  assert.deepEqual([one, three], [{ runs: true, issues: [] }, { runs: true, issues: [] }], "what fits runs");
  assert.equal(two.runs, false);
  assert.match(
    two.issues[0],
    /^error: It would take 5 sockets to one.test \(a 3, b 2\), which allows 4 to one address/,
  );
});

Deno.test("sockets through a proxy, to other hosts and without a limit count for themselves", () => {
  const results = check([
    exchange("a", { count: 2, most: 2 }, { count: 2, most: 2, proxy: "http://proxy.test:1" }),
    exchange("b", { count: 2, most: 2, url: "wss://two.test" }, { count: 900, url: "wss://three.test" }),
  ]);
  assert.deepEqual(results, [{ runs: true, issues: [] }, { runs: true, issues: [] }]);
});

Deno.test("sockets with an age that take every place are a warning, for none can open beside them", () => {
  const [full, short] = check([
    exchange("a", { count: 2, most: 2, maxAgeMs: 1000 }),
    exchange("b", { count: 1, most: 2, maxAgeMs: 1000, url: "wss://two.test" }),
  ]);
  assert.equal(full.runs, true);
  assert.match(full.issues[0], /^warning: It takes 2 sockets to one.test, all that it allows to one address/);
  assert.deepEqual(short.issues, []);
});

Deno.test("shares of a group that are too many are a warning: what fits runs", () => {
  const [one] = check([exchange("a", { count: 3, most: 2 })], true);
  assert.equal(one.runs, true);
  assert.match(one.issues[0], /^warning: It would take 3 sockets/);
});
