import type { ConnectionPlan, ExchangePlan, Issue } from "../model/mod.ts";
import type { InstanceEntry } from "./collector_file.ts";
import { issueAt } from "./position.ts";

/** Sockets from one address to one host, of the instances counted so far. */
interface Total {
  /** Most sockets that the host allows; infinite if unknown. */
  most: number;
  /** By instance. */
  readonly taken: Map<string, number>;
  /** Whether `max_age_ms` replaces one of them by a socket that opens beside it. */
  rotates: boolean;
}

/**
 * Reports each instance whose sockets, with those of earlier instances, exceed the limit of a host, counted over all sockets
 * that this process opens from one address. The issue is an error, so the instance does not run. It is a warning in a group,
 * where shares come and go and what fits runs, and if sockets that age replaces use up the limit exactly.
 */
export function checkSocketTotals(
  exchanges: readonly ExchangePlan[],
  { instances, inGroup }: { readonly instances: readonly InstanceEntry[]; readonly inGroup: boolean },
): readonly ExchangePlan[] {
  const totals = new Map<string, Total>();
  return exchanges.map((exchange, at) => {
    const connections = exchange.runnable?.connections.filter(({ requests }) => requests.length > 0) ?? [];
    const added = new Map<string, Total>();
    for (const connection of connections) {
      const key = addressOf(connection);
      const before = added.get(key) ?? totals.get(key);
      const taken = new Map(before?.taken);
      taken.set(exchange.name, (taken.get(exchange.name) ?? 0) + 1);
      added.set(key, {
        most: Math.min(before?.most ?? Infinity, connection.socketsMax ?? Infinity),
        taken,
        rotates: (before?.rotates ?? false) || connection.maxAgeMs !== null,
      });
    }
    const issues = [...added].flatMap(([key, total]) =>
      issueOf(key, total, { exchange, instance: instances[at], inGroup })
    );
    if (issues.length === 0) {
      for (const [key, total] of added) totals.set(key, total);
      return exchange;
    }
    if (issues.every(({ severity }) => severity === "warning")) {
      for (const [key, total] of added) totals.set(key, total);
      return { ...exchange, issues: [...exchange.issues, ...issues] };
    }
    return { ...exchange, issues: [...exchange.issues, ...issues], runnable: null };
  });
}

function issueOf(
  key: string,
  { most, taken, rotates }: Total,
  { exchange, instance, inGroup }: {
    readonly exchange: ExchangePlan;
    readonly instance: InstanceEntry;
    readonly inGroup: boolean;
  },
): readonly Issue[] {
  const sockets = [...taken.values()].reduce((sum, count) => sum + count, 0);
  const host = key.slice(key.lastIndexOf(" ") + 1);
  const parts = taken.size === 1 ? "" : ` (${[...taken].map(([name, count]) => `${name} ${count}`).join(", ")})`;
  const at = instance.locate(["symbols"]);
  const counted = `${sockets} sockets to ${host}${parts}`;
  if (sockets > most) {
    const message =
      `It would take ${counted}, which allows ${most} to one address: ask for fewer symbols or channels, ` +
      `or divide them among machines or proxies by \`shard\``;
    return [issueAt(at, { severity: inGroup ? "warning" : "error", message, exchange: exchange.name })];
  }
  if (sockets < most || !rotates) return [];
  const message =
    `It takes ${counted}, all that it allows to one address: when a socket's age is up none can open beside ` +
    `it, so that there is a gap`;
  return [issueAt(at, { severity: "warning", message, exchange: exchange.name })];
}

/** The proxy and the host of a connection; addresses that are known at run time alone count by their text. */
function addressOf({ urls: [url], proxy }: ConnectionPlan): string {
  const via = proxy === undefined ? "" : typeof proxy === "string" ? proxy : proxy.reveal();
  const source = url?.source ?? "";
  const authority = /^wss?:\/\/([^/?#]+)/.exec(source)?.[1] ?? source;
  return `${via} ${authority.slice(authority.lastIndexOf("@") + 1).toLowerCase()}`;
}
