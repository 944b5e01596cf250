import { loadConfig } from "../config/mod.ts";
import { showRequest } from "../model/mod.ts";
import type { ServiceContext } from "../service/mod.ts";
import type { OpenStep } from "./evidence.ts";
import type { ShowRequests } from "./evidence_run.ts";

/** Path of the generated configuration of the session; no such file is read. */
const MADE_UP = "evidence.toml";

/** Returns the subscribe messages of a session, as `run` would send them for an instance of the descriptor. */
export function requestsOf(context: ServiceContext, descriptorPath: string, text: string): ShowRequests {
  return (open) => {
    const { subscribe } = open;
    if (subscribe === null) return { error: 'the open step names no "subscribe": { "symbols", "channels" }' };
    const { host } = context;
    const loaded = loadConfig({
      path: MADE_UP,
      readText: (path) => {
        if (path === MADE_UP) return madeUpConfig(open, subscribe);
        return path === descriptorPath ? text : host.files.readTextSync(path);
      },
      environment: (name) => host.environment.get(name),
      secrets: host.secrets,
      builtin: () => ({ path: descriptorPath, text }),
      instrumentMaps: new Map([["evidence", {
        natives: new Map(Object.entries(open.symbols)),
        values: new Map(Object.entries(open.listed)),
      }]]),
    });
    const error = loaded.issues.find(({ severity }) => severity === "error");
    const runnable = loaded.exchanges[0]?.runnable ?? null;
    if (runnable === null) return { error: error?.message ?? "the descriptor does not run" };
    return runnable.connections.filter(({ connectionId }) => connectionId === open.connection)
      .flatMap(({ requests }) => requests.map(({ message }, index) => showRequest(message, index + 1)));
  };
}

/** Returns a configuration with one instance, `evidence`; JSON texts are valid TOML texts. */
function madeUpConfig({ symbols }: OpenStep, subscribe: NonNullable<OpenStep["subscribe"]>): string {
  const wanted = subscribe.symbols.length > 0 ? subscribe.symbols : Object.keys(symbols);
  const overrides = Object.entries(subscribe.overrides).map(([key, value]) => `${key} = ${JSON.stringify(value)}`);
  return [
    "[run]",
    "http_port = 8090",
    "[[exchange]]",
    'name = "evidence"',
    'descriptor_path = "builtin:evidence"',
    `symbols = ${JSON.stringify(wanted)}`,
    `channels = ${JSON.stringify(subscribe.channels)}`,
    "[exchange.overrides]",
    ...overrides,
  ].join("\n");
}
