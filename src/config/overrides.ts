import type { Issue } from "../model/mod.ts";
import { issueAt, type Locate, type Position, type ValuePath } from "./position.ts";
import type { OverrideValues } from "./schema_collector.ts";
import type { DescriptorValues } from "./schema_descriptor.ts";
import { listNames, suggestion } from "./suggest.ts";

/** Keys of `[exchange.overrides]` that are no arguments of the descriptor. */
const FIXED = ["urls", "base_urls", "read_timeout_ms", "stall_after_ms", "headers", "subprotocols", "proxy"] as const;

/** Overrides of an instance, with their places. */
export interface OverrideInput {
  readonly descriptor: DescriptorValues;
  readonly overrides: OverrideValues;
  /** Places in the descriptor. */
  readonly locateDescriptor: Locate;
  /** Places of values and keys in `[exchange.overrides]`. */
  readonly locate: Locate;
  readonly locateKey: (path: ValuePath) => Position;
  readonly exchange: string;
}

/** A descriptor with the overrides of an instance applied. */
export interface Overridden {
  readonly descriptor: DescriptorValues;
  /** Returns places in the descriptor; for a replaced value, the place in `[exchange.overrides]`. */
  readonly locate: Locate;
  readonly issues: readonly Issue[];
}

/** Checks overrides against the descriptor and applies them. */
export function applyOverrides(input: OverrideInput): Overridden {
  const issues: Issue[] = [];
  const moved = new Map<string, ValuePath>();
  const report = (position: Position, message: string) =>
    issues.push(issueAt(position, { message, exchange: input.exchange }));
  const { descriptor, overrides } = input;
  const { urls: _urls, base_urls, read_timeout_ms, stall_after_ms, headers, subprotocols, proxy, ...args } = overrides;

  const urlsOf = connectionUrls(input, report);
  const connections = descriptor.ws.connections.map((connection, index) => {
    const replaced = urlsOf.get(connection.id);
    if (replaced !== undefined) moved.set(keyOf(["ws", "connections", index, "urls"]), replaced.path);
    for (const key of ["read_timeout_ms", "stall_after_ms", "headers", "subprotocols", "proxy"] as const) {
      if (overrides[key] !== undefined) moved.set(keyOf(["ws", "connections", index, key]), [key]);
    }
    return {
      ...connection,
      headers: { ...connection.headers, ...headers },
      subprotocols: subprotocols ?? connection.subprotocols,
      proxy: proxy ?? connection.proxy,
      urls: replaced?.urls ?? connection.urls,
      read_timeout_ms: read_timeout_ms ?? connection.read_timeout_ms,
      stall_after_ms: stall_after_ms ?? connection.stall_after_ms,
    };
  });

  if (base_urls !== undefined && descriptor.rest === undefined) {
    report(input.locateKey(["base_urls"]), "Cannot override base_urls: the descriptor has no [rest]");
  }
  const asked = descriptor.rest === undefined ? undefined : {
    ...descriptor.rest,
    headers: { ...descriptor.rest.headers, ...headers },
    proxy: proxy ?? descriptor.rest.proxy,
  };
  if (proxy !== undefined) moved.set(keyOf(["rest", "proxy"]), ["proxy"]);
  if (headers !== undefined) moved.set(keyOf(["rest", "headers"]), ["headers"]);
  const rest = asked === undefined || descriptor.rest === undefined || base_urls === undefined ? asked : {
    ...asked,
    base_urls,
    instruments: descriptor.rest.instruments.map((list) => ({ ...list, base_urls: undefined })),
    requests: descriptor.rest.requests.map((request) => ({ ...request, base_urls: undefined })),
    backfill: descriptor.rest.backfill.map((backfill) => ({ ...backfill, base_urls: undefined })),
  };
  if (base_urls !== undefined) moved.set(keyOf(["rest", "base_urls"]), ["base_urls"]);

  const known = Object.keys(descriptor.args);
  const replacedArgs: [string, string][] = [];
  for (const [key, value] of Object.entries(args)) {
    if (known.includes(key)) {
      replacedArgs.push([key, String(value)]);
      moved.set(keyOf(["args", key]), [key]);
    } else {
      report(
        input.locateKey([key]),
        `Unknown key "${key}" in [exchange.overrides]${suggestion(key, [...FIXED, ...known])}`,
      );
    }
  }
  return {
    descriptor: {
      ...descriptor,
      ws: { ...descriptor.ws, connections },
      rest,
      args: { ...descriptor.args, ...Object.fromEntries(replacedArgs) },
    },
    locate: locatorOf(input, moved),
    issues,
  };
}

/** Returns new URLs by connection id, with their places in the overrides. */
function connectionUrls(
  input: OverrideInput,
  report: (position: Position, message: string) => void,
): ReadonlyMap<string, { readonly urls: string[]; readonly path: ValuePath }> {
  const { urls } = input.overrides;
  const ids = input.descriptor.ws.connections.map((connection) => connection.id);
  const replaced = new Map<string, { readonly urls: string[]; readonly path: ValuePath }>();
  if (urls === undefined) return replaced;
  if (!Array.isArray(urls)) {
    for (const [id, list] of Object.entries(urls)) {
      if (ids.includes(id)) replaced.set(id, { urls: list, path: ["urls", id] });
      else report(input.locateKey(["urls", id]), `Unknown connection "${id}"${suggestion(id, ids)}`);
    }
    return replaced;
  }
  // Connections without subscriptions only name addresses of recordings.
  const named = input.descriptor.subscriptions.flatMap(({ connection_id: one }) => one);
  const asked = ids.length > 1 && named.length > 0 ? ids.filter((id) => named.includes(id)) : ids;
  if (asked.length > 1) {
    report(
      input.locate(["urls"]),
      `Cannot tell which connection these URLs are for: the descriptor has ${listNames(asked)}; ` +
        `write urls = { ${asked.map((id) => `${id} = […]`).join(", ")} }`,
    );
    return replaced;
  }
  return new Map(asked.map((id) => [id, { urls, path: ["urls"] }]));
}

function keyOf(path: ValuePath): string {
  return JSON.stringify(path);
}

function locatorOf(input: OverrideInput, moved: ReadonlyMap<string, ValuePath>): Locate {
  return (path, offset, length) => {
    for (let end = path.length; end > 0; end--) {
      const target = moved.get(keyOf(path.slice(0, end)));
      if (target !== undefined) return input.locate([...target, ...path.slice(end)], offset, length);
    }
    return input.locateDescriptor(path, offset, length);
  };
}
