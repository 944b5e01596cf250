import type { ExchangeList, Issue, Secrets } from "../../src/model/mod.ts";
import { type BuildExchange, type LoadedConfig, loadWith } from "../../src/config/load.ts";

/** Files by path: `collector.toml` and what it names. */
export type TestFiles = Readonly<Record<string, string>>;

/** Options of a load from texts in memory. */
export interface TestLoad {
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: Secrets;
  readonly validateOnly?: boolean;
  readonly builtins?: TestFiles;
  readonly instrumentMaps?: ReadonlyMap<string, ExchangeList>;
}

/** The path that tests load. */
export const COLLECTOR = "collector.toml";

/** Loads files in memory with the lowering given. */
export function loadFiles(build: BuildExchange, files: TestFiles, options: TestLoad = {}): LoadedConfig {
  return loadWith(build, {
    path: COLLECTOR,
    readText: (path) => Object.hasOwn(files, path) ? files[path] : null,
    environment: (name) => options.environment?.[name],
    secrets: options.secrets,
    builtin: (name) => {
      const text = options.builtins?.[name];
      return text === undefined ? null : { path: `shipped/exchanges/${name}.toml`, text };
    },
    validateOnly: options.validateOnly,
    instrumentMaps: options.instrumentMaps,
  });
}

/** Issues as `file:line:column+length severity exchange: message`, which pins all that a user sees. */
export function issueLines(issues: readonly Issue[]): readonly string[] {
  return issues.map((issue) =>
    `${issue.file}:${issue.line}:${issue.column}+${issue.length} ${issue.severity} ${
      issue.exchange ?? "-"
    }: ${issue.message}`
  );
}

/** A lowering that takes everything and builds sockets for nothing; for tests of what stands before it. */
export function buildNothing(): ReturnType<BuildExchange> {
  return {
    issues: [],
    runnable: {
      instruments: [],
      unresolved: [],
      instrumentsRefreshMs: 3_600_000,
      channels: [],
      connections: [],
      rest: {
        baseUrls: [],
        headers: {},
        caCertPaths: [],
        rateLimit: null,
        requests: [],
        instruments: [],
        backfills: [],
      },
      frames: {
        exchange: "x",
        connections: [],
        controls: [],
        events: [],
        parse: null,
        aliasKey: null,
        socketSequence: null,
        channels: {},
        books: [],
        wanted: null,
      },
    },
  };
}

/** A `[run]` table that is right. */
export const RUN = `[run]\nhttp_port = 8090\n`;

/** An instance `okx` that is right, of descriptor `okx.toml`. */
export const INSTANCE = `[[exchange]]
name = "okx"
descriptor_path = "okx.toml"
symbols = ["BTC/USDT"]
channels = ["trades"]
`;

/** A descriptor that is right: schema 1.4 and nothing else. */
export const DESCRIPTOR = `[meta]
name = "okx"
version = "1.4"

[[ws.connections]]
id = "public"
urls = ["wss://ws.example.com/public"]

[[subscriptions]]
connection_id = "public"
generator = '''
foreach (s in symbols) {
  foreach (c in channels) {
    emit('{"op":"subscribe","args":["{ch}:{symbol}"]}');
  }
}
'''

[parse]
channel = "/channel"
symbol = "/symbol"
`;
