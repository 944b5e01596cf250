/** Examples of each command, by its words, without the program's name. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  run: ["run --config my.toml", "run --config my.toml --for 5m", "run --config my.toml --fail-fast"],
  init: ["init", "init --exchange NAME OTHER --symbols BTC/USDT,ETH/USDT --output my.toml"],
  exchanges: ["exchanges", "exchanges NAME", "exchanges NAME --descriptor > my_exchange.toml"],
  doctor: ["doctor --config my.toml"],
  health: ["health --config my.toml", "health --url http://127.0.0.1:8090 --ready"],
  group: ["group status --config my.toml"],
  validate: ["validate --config my.toml", "validate --config my.toml --json"],
  plan: ["plan --config my.toml", "plan --config my.toml --exchange my-instance"],
  config: ["config diff old.toml new.toml"],
  simulate: ["simulate --dialect NAME --port 9001", "simulate --recording frames.jsonl.gz --speed 1"],
  emulate: [
    "emulate data/journal --port 9001 --speed 10",
    "emulate frames.jsonl.gz --exchange NAME --repeat --disconnect-every 30s --gap-every 500",
  ],
  record: [
    `record wss://host/path --send '{"op":"subscribe","args":["trades.BTC-USD"]}' --for 60s --to frames.jsonl`,
    "record ws://127.0.0.1:9001/ws --to frames.jsonl",
  ],
  learn: ["learn frames.jsonl --name my_exchange --to my_exchange.toml", "learn frames.jsonl.gz"],
  demo: ["demo", "demo --for 1m --data-dir data/try"],
  replay: [
    "replay frames.jsonl.gz",
    "replay data/journal --to ndjson:data/again",
    "replay frames.jsonl --exchange my_exchange.toml --report report.json",
  ],
  journal: ["journal ls data", "journal cat data --frames", "journal verify data"],
  "journal ls": ["journal ls data", "journal ls data/journal --json"],
  "journal cat": ["journal cat data --frames > frames.jsonl", "journal cat data --from 1764288000000000"],
  "journal verify": ["journal verify data"],
  "journal repair": ["journal repair data", "journal repair data --yes"],
  "journal find": [
    "journal find /archive/raw --exchange NAME --from 2026-11-22",
    "journal find /archive/raw --check",
  ],
  "group status": ["group status --config my.toml", "group status --config my.toml --json"],
  "config diff": ["config diff old.toml new.toml"],
  export: ["export data --to hftbacktest --out bt --symbol BTC/USDT:USDT", "export data --to tardis --out csv"],
  merge: [
    "merge eu-1/data us-1/data --to ndjson:merged",
    "merge a/ndjson b/ndjson --names a,b --to parquet:merged --window 2m",
  ],
  compact: ["compact data", "compact data/parquet --json"],
  certify: [
    "certify data",
    "certify data/parquet --journal data/journal --key key.pem",
    "certify data --check --public-key public.pem",
  ],
  coverage: ["coverage data", "coverage data --channel trades --by channel", "coverage data --svg coverage.svg"],
  backfill: [
    "backfill --config my.toml --exchange my-instance --from 2026-11-22 --to 2026-11-23",
    "backfill --config my.toml --exchange my-instance --from 2026-11-22T13:00:00Z --symbols BTC/USDT,ETH/USDT",
  ],
  rebuild: [
    "rebuild --config my.toml --from 2026-11-22 --to 2026-11-23 --dry-run",
    "rebuild --config my.toml --from 2026-11-22 --exchange my-instance --journal /archive/raw",
  ],
  test: ["test", "test my_exchange.toml --strict"],
  explain: [`explain my_exchange.toml '{"e":"trade","s":"BTCUSDT","p":"1","q":"2"}'`],
  completions: [
    "completions bash > /etc/bash_completion.d/crypto-collector",
    "completions fish > ~/.config/fish/completions/crypto-collector.fish",
  ],
  schema: ["schema descriptor > descriptor.schema.json"],
};

/** Returns the text under the help of a command; empty if it has no examples. */
export function exampleText(command: string, show: (line: string) => string): string {
  const examples = EXAMPLES[command] ?? [];
  if (examples.length === 0) return "";
  return ["", examples.length === 1 ? "Example:" : "Examples:", ...examples.map((line) => `  ${show(line)}`)].join(
    "\n",
  );
}
