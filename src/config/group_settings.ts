import { GROUP_TTL_MS_MAX, GROUP_TTL_MS_MIN, type GroupPlan, type Issue } from "../model/mod.ts";
import { issueAt, type Locate } from "./position.ts";
import { type CollectorValues, ttlMsOf } from "./schema_collector.ts";

type GroupValues = NonNullable<CollectorValues["group"]>;

/** Builds the plan of a group member from the checked keys. */
export function groupPlan(group: GroupValues): GroupPlan {
  const { engine, url, ca_path: caPath = null, creds_path: credsPath = null, name, ttl, replicas, shares } = group;
  return { engine, url, caPath, credsPath, name, ttlMs: ttlMsOf(ttl) ?? GROUP_TTL_MS_MIN, replicas, shares };
}

/** URL schemes of each engine. */
const SCHEMES: Readonly<Record<GroupValues["engine"], readonly string[]>> = {
  nats: ["nats", "tls"],
  postgres: ["postgres", "postgresql"],
};

/** Returns conflicts among the keys of `[group]`, and between them and `[run]`. */
export function checkGroup({ group, run }: CollectorValues, locate: Locate): readonly Issue[] {
  if (group === undefined) return [];
  const issues: Issue[] = [];
  const report = (key: string, message: string) =>
    issues.push(issueAt(locate(["group", key]), { message, exchange: null }));
  const schemes = SCHEMES[group.engine];
  if (!schemes.some((scheme) => group.url.startsWith(`${scheme}://`))) {
    report(
      "url",
      `The address of engine "${group.engine}" begins with ${schemes.map((one) => `${one}://`).join(" or ")}`,
    );
  }
  const ttlMs = ttlMsOf(group.ttl) ?? 0;
  if (ttlMs < GROUP_TTL_MS_MIN || ttlMs > GROUP_TTL_MS_MAX) {
    report("ttl", `A lease of ${group.ttl} is out of range: "1s" to "1h" are possible`);
  }
  if (group.creds_path !== undefined && group.engine !== "nats") {
    report(
      "creds_path",
      `"creds_path" is of engine "nats": that of "${group.engine}" has user and password in its url`,
    );
  }
  if (run.shard !== undefined) {
    const message =
      `"run.shard" beside [group]: the group decides which shares a collector takes; leave one of both out`;
    issues.push(issueAt(locate(["run", "shard"]), { message, exchange: null }));
  }
  return issues;
}
