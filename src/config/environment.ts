import { type Issue, Secrets } from "../model/mod.ts";
import type { ValuePath } from "./position.ts";

/** The environment during one load. Registers every value read, so that none is shown. */
export interface LoadEnvironment {
  /** Reads a variable. `shown`: the setting is no secret, such as a folder; only issues hide the value. */
  readonly get: (name: string, shown?: boolean) => string | undefined;
  /** Returns the issues with `${NAME}` in place of every value that was read. */
  readonly hideIn: (issues: readonly Issue[]) => readonly Issue[];
}

/** Reads variables for one load and registers them as `{env:NAME}` with the secrets of the process. */
export function loadEnvironment(
  environment: (name: string) => string | undefined,
  secrets: Secrets = new Secrets(),
): LoadEnvironment {
  const read = new Secrets();
  return {
    get(name, shown = false) {
      const value = environment(name);
      if (value === undefined) return undefined;
      read.add(`\${${name}}`, value);
      if (!shown) secrets.add(`{env:${name}}`, value);
      return value;
    },
    hideIn: (issues) => issues.map((issue) => ({ ...issue, message: read.hide(issue.message) })),
  };
}

/** Keys of `collector.toml` whose values are public: names, folders, sizes. All other values and arguments are secret. */
const SHOWN_KEYS: ReadonlySet<string> = new Set([
  "http_host",
  "http_port",
  "http_open",
  "http_hosts",
  "http_tls_cert",
  "http_tls_key",
  "http_clients_max",
  "log_level",
  "log_format",
  "data_dir",
  "compare_books_every_ms",
  "shutdown_timeout_ms",
  "certificates",
  "certificate_key",
  "collector",
  "shard",
  "engine",
  "ttl",
  "replicas",
  "shares",
  "sync_ms",
  "segment_mb",
  "max_total_mb",
  "retain_hours",
  "archive_dir",
  "on_full",
  "enabled",
  "window_seconds",
  "max_keys",
  "top_levels",
  "interval_ms",
  "type",
  "name",
  "dir",
  "kinds",
  "part_seconds",
  "part_rows",
  "exact_digits",
  "descriptor_path",
  "symbols",
  "channels",
  "exchanges",
]);

/** Returns whether the value at a path may be shown. */
export function isShownPlace(path: ValuePath): boolean {
  if (path[2] === "overrides") return false;
  const key = path.findLast((step) => typeof step === "string");
  return key !== undefined && SHOWN_KEYS.has(String(key));
}
