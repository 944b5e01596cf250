import assert from "node:assert/strict";
import { buildExchange, type ExchangeInput } from "../../src/config/plan/mod.ts";
import { exchangeSchema } from "../../src/config/schema_collector.ts";
import { descriptorSchema } from "../../src/config/schema_descriptor.ts";
import type { Locate } from "../../src/config/position.ts";
import type { RunnableExchange } from "../../src/model/mod.ts";

/** A descriptor with one connection and the least that works; what a test gives stands over it. */
export function descriptorTable(over: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    meta: { name: "testing", version: "1.4" },
    ws: { connections: [{ id: "public", urls: ["wss://example.test/ws"] }] },
    subscriptions: [{
      connection_id: "public",
      generator: `foreach (s in symbols) { foreach (c in channels) {
        emit('{"op":"sub","args":["{ch}.{symbol}"],"id":{id}}');
      } }`,
      batch: { at: "/args" },
    }],
    events: [{ kind: "trade", symbol: "/s", price: "/p", size: "/q" }],
    ...over,
  };
}

/** The input of buildExchange() for a descriptor table; positions name the path in their `file`. */
export function planInput(options: {
  readonly descriptor?: Readonly<Record<string, unknown>>;
  readonly instance?: Readonly<Record<string, unknown>>;
  readonly map?: Readonly<Record<string, unknown>>;
  readonly environment?: Readonly<Record<string, string>>;
} = {}): ExchangeInput {
  const instance = { name: "one", descriptor_path: "x.toml", symbols: ["BTC/USDT"], channels: ["trades"] };
  return {
    instance: exchangeSchema.parse({ ...instance, ...options.instance }),
    descriptor: descriptorSchema.parse(options.descriptor ?? descriptorTable()),
    locateDescriptor: locateIn("descriptor"),
    locateInstance: locateIn("collector/exchange/0"),
    symbolMap: options.map === undefined ? null : { values: options.map, locate: locateIn("map") },
    environment: (name) => options.environment?.[name],
  };
}

/** The plan, which must have come out without an issue. */
export function planOf(options: Parameters<typeof planInput>[0]): RunnableExchange {
  const { runnable, issues } = buildExchange(planInput(options));
  assert.deepEqual(issues, []);
  assert.ok(runnable !== null);
  return runnable;
}

/** `place: message` of every issue. */
export function issuesOf(options: Parameters<typeof planInput>[0]): readonly string[] {
  return buildExchange(planInput(options)).issues.map((issue) => `${issue.file}: ${issue.message}`);
}

/** Positions that tell where they were asked for: the path in `file`, the offset in `column`. */
function locateIn(root: string): Locate {
  return (path, offset, length) => ({
    file: [root, ...path].join("/"),
    line: 1,
    column: (offset ?? 0) + 1,
    length: length ?? 1,
    sourceLine: "",
  });
}
