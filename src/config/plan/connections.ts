import {
  type BootstrapPlan,
  type ConnectionPlan,
  type ControlRule,
  type KeepalivePlan,
  type ProxyAddress,
  renderTemplate,
  Secret,
  type SubscribeRequest,
  type Template,
} from "../../model/mod.ts";
import type { ConnectionValues, DescriptorValues } from "../schema_descriptor.ts";
import { sourceOf, templateOf } from "./compile.ts";
import { listed, type Place } from "./place.ts";
import { type Texts, withValues } from "./texts.ts";

/** Mark for a socket's symbol in addresses and first frames, until the symbol is known. */
const SYMBOL = "{symbol}";

/** The plan of one symbol's socket. */
export function socketOf(base: ConnectionBase, native: string): ConnectionBase {
  const fill = (template: Template, text: string): Template => ({
    source: template.source.replaceAll(SYMBOL, text),
    parts: template.parts.map((part) => typeof part === "string" ? part.replaceAll(SYMBOL, text) : part),
  });
  return {
    ...base,
    urls: base.urls.map((url) => fill(url, encodeURIComponent(native))),
    hello: base.hello.map((frame) => fill(frame, native)),
  };
}

/** Plan that all shards of one connection share. */
export type ConnectionBase = Omit<ConnectionPlan, "key" | "requests">;

/** Lowers `[[ws.connections]]`, by id. */
export function buildConnections(
  descriptor: DescriptorValues,
  context: { readonly place: Place; readonly texts: Texts; readonly controls: readonly ControlRule[] },
): ReadonlyMap<string, ConnectionBase> {
  const connections = new Map<string, ConnectionBase>();
  descriptor.ws.connections.forEach((connection, index) => {
    const place = context.place.at("ws", "connections", index);
    if (connections.has(connection.id)) {
      place.at("id").error(`Id ${connection.id} is given to two connections: make it unique`);
    }
    const own: Readonly<Record<string, string>> = connection.per_symbol === true ? { symbol: SYMBOL } : {};
    if (connection.per_symbol === true && !connection.urls.every((url) => url.includes(SYMBOL))) {
      place.at("urls").error("No {symbol}: `per_symbol` needs it in every URL");
    }
    const texts = { ...context.texts, scope: withValues(context.texts.scope, { conn_id: connection.id, ...own }) };
    connections.set(connection.id, connectionBase(connection, { ...context, place, texts }));
  });
  return connections;
}

function connectionBase(
  connection: ConnectionValues,
  context: { readonly place: Place; readonly texts: Texts; readonly controls: readonly ControlRule[] },
): ConnectionBase {
  const { place, texts } = context;
  const compile = (text: string, at: Place): readonly Template[] => {
    const template = templateOf(text, at, { ...texts.scope, placeholders: texts.sent });
    if (template !== null) checkBoot(template, connection, at);
    return template === null ? [] : [template];
  };
  const { limits } = connection;
  return {
    connectionId: connection.id,
    families: connection.families ?? null,
    urls: connection.urls.flatMap((url, index) => {
      const at = place.at("urls", index);
      if (!/^wss?:\/\/|^\{/.test(url)) at.error(`Not a WebSocket address: ${url}; it begins with wss:// or ws://`);
      return compile(url, at);
    }),
    ...proxyOf(connection.proxy, { place: place.at("proxy"), texts }),
    ...(connection.subprotocols === undefined ? {} : { subprotocols: subprotocols(connection.subprotocols, place) }),
    headers: buildHeaders(connection.headers, { place: place.at("headers"), texts }),
    compression: connection.compression,
    tls: { enabled: connection.tls.enabled, caCertPath: connection.tls.ca_cert_path ?? null },
    readTimeoutMs: connection.read_timeout_ms,
    firstDataTimeoutMs: connection.first_data_timeout_ms,
    quietChannels: connection.quiet_channels,
    stallAfterMs: connection.stall_after_ms ?? null,
    keepalive: keepalivePlan(connection, { ...context, compile }),
    bootstrap: bootstrapPlan(connection, place, texts),
    connectDelayMs: connection.connect_delay_ms,
    awaitsWelcome: connection.welcome !== undefined ||
      context.controls.some((rule) =>
        rule.action === "welcome" && (rule.connections === null || rule.connections.includes(connection.id))
      ),
    welcomeTimeoutMs: connection.welcome_timeout_ms,
    hello: connection.hello.flatMap((text, index) => compile(text, place.at("hello", index))),
    maxAgeMs: connection.max_age_ms ?? null,
    sendLimit: limits.sends === undefined ? null : { count: limits.sends.count, perMs: limits.sends.per_ms },
    openLimit: limits.opens === undefined ? null : { count: limits.opens.count, perMs: limits.opens.per_ms },
    ...(limits.sockets === undefined ? {} : { socketsMax: limits.sockets }),
  };
}

function keepalivePlan(
  connection: ConnectionValues,
  context: {
    readonly place: Place;
    readonly controls: readonly ControlRule[];
    readonly compile: (text: string, at: Place) => readonly Template[];
  },
): KeepalivePlan {
  const { keepalive, bootstrap } = connection;
  const place = context.place.at("keepalive");
  if (keepalive.mode === "application" && keepalive.template === undefined) {
    place.error("No `template`: keepalive mode `application` sends it");
  }
  if (keepalive.mode !== "application" && keepalive.template !== undefined) {
    place.at("template").error(`Keepalive mode \`${keepalive.mode}\` sends no template: write mode = "application"`);
  }
  const from = keepalive.interval_from;
  if (from !== undefined && !Object.hasOwn(bootstrap?.values ?? {}, from)) {
    place.at("interval_from").error(
      `Unknown bootstrap value ${from}: there are ${listed(Object.keys(bootstrap?.values ?? {}))}`,
    );
  }
  const pongs = context.controls.some((rule) =>
    rule.action === "pong" && (rule.connections === null || rule.connections.includes(connection.id))
  );
  return {
    mode: keepalive.mode,
    intervalMs: keepalive.interval_ms,
    intervalFrom: from ?? null,
    when: keepalive.when,
    template: keepalive.template === undefined
      ? null
      : context.compile(keepalive.template, place.at("template"))[0] ?? null,
    pongTimeoutMs: keepalive.pong_timeout_ms,
    expectsPong: keepalive.mode === "ping_frame" || (keepalive.mode === "application" && pongs),
  };
}

function bootstrapPlan(connection: ConnectionValues, place: Place, texts: Texts): BootstrapPlan | null {
  const { bootstrap } = connection;
  if (bootstrap === undefined) return null;
  const at = place.at("bootstrap");
  const scope = { ...texts.scope, placeholders: ["now_ms", "now_s", "uuid", "env"] as const };
  const url = templateOf(bootstrap.url, at.at("url"), scope);
  if (url === null) return null;
  return {
    method: bootstrap.method,
    url,
    body: bootstrap.body === undefined ? null : templateOf(bootstrap.body, at.at("body"), scope),
    headers: buildHeaders(bootstrap.headers, { place: at.at("headers"), texts }),
    values: Object.entries(bootstrap.values).flatMap(([name, text]) => {
      const expression = sourceOf(text, at.at("values", name));
      return expression === null ? [] : [{ name, expression }];
    }),
  };
}

/** Reports `{boot:NAME}` that the bootstrap reply does not give. */
function checkBoot(template: Template, connection: ConnectionValues, place: Place): void {
  const values = Object.keys(connection.bootstrap?.values ?? {});
  for (const part of template.parts) {
    if (typeof part === "string" || part.kind !== "boot" || part.key === null || values.includes(part.key)) continue;
    place.error(`Unknown bootstrap value ${part.key}: there are ${listed(values)}`);
  }
}

/** The sockets of a connection: one for each shard, `#2`, `#3` … behind the keys of further ones. */
export function connectionShards(
  base: ConnectionBase,
  shards: readonly (readonly SubscribeRequest[])[],
): readonly ConnectionPlan[] {
  return shards.map((requests, index) => ({
    ...base,
    key: index === 0 ? base.connectionId : `${base.connectionId}#${index + 1}`,
    requests,
  }));
}

/**
 * Returns `count` sockets for each socket, all with the same streams; keys of the copies end in `~2`, `~3` …. Each copy
 * begins at the next address of the connection.
 */
export function withSiblings(sockets: readonly ConnectionPlan[], count: number): readonly ConnectionPlan[] {
  if (count === 1) return sockets;
  return sockets.flatMap((socket) =>
    Array.from({ length: count }, (_, index) => {
      const first = index % socket.urls.length;
      const urls = [...socket.urls.slice(first), ...socket.urls.slice(0, first)];
      return index === 0 ? socket : { ...socket, urls, key: `${socket.key}~${index + 1}` };
    })
  );
}

/** Returns the connections that a `connection_id` names, each once. */
export function connectionIdsOf(value: string | readonly string[]): readonly string[] {
  return typeof value === "string" ? [value] : [...new Set(value)];
}

/** Reports connections of a `connection_id` that the descriptor does not have. `place` is that of the value. */
export function checkConnectionIds(
  value: string | readonly string[],
  descriptor: DescriptorValues,
  place: Place,
): void {
  const ids = descriptor.ws.connections.map(({ id }) => id);
  const names = typeof value === "string" ? [value] : value;
  names.forEach((name, index) => {
    if (ids.includes(name)) return;
    const at = typeof value === "string" ? place : place.at(index);
    at.error(`Unknown connection ${name}: the descriptor has ${listed(ids)}`);
  });
}

/** Returns HTTP headers with arguments in place. One that holds an environment value is a `Secret` as a whole. */
export function buildHeaders(
  headers: Readonly<Record<string, string>>,
  context: { readonly place: Place; readonly texts: Texts },
): Readonly<Record<string, string | Secret>> {
  const { place, texts } = context;
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, text]): readonly (readonly [string, string | Secret])[] => {
      const template = templateOf(text, place.at(name), { ...texts.scope, placeholders: ["env"] });
      if (template === null) return [];
      const value = renderTemplate(template, {});
      const variable = template.parts.find((part) => typeof part !== "string" && part.kind === "env");
      if (variable === undefined || typeof variable === "string") return [[name, value] as const];
      return [[name, new Secret(variable.key ?? name, value)] as const];
    }),
  );
}

/** Returns the proxy with environment values in place, as a secret where it names a user; nothing where there is none. */
export function proxyOf(
  text: string | undefined,
  { place, texts }: { readonly place: Place; readonly texts: Texts },
): { readonly proxy?: ProxyAddress } {
  if (text === undefined || text === "") return {};
  const template = templateOf(text, place, { ...texts.scope, placeholders: ["env"] });
  if (template === null) return {};
  const address = renderTemplate(template, {});
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null || url.protocol !== "http:" || url.hostname === "" || url.pathname !== "/") {
    place.error("Not the address of an HTTP proxy: it is written as http://host:port");
    return {};
  }
  const isOpen = url.username === "" && template.parts.every((part) => typeof part === "string");
  return { proxy: isOpen ? address : new Secret("proxy", address) };
}

/** Names as RFC 6455 section 4.1 allows them: tokens, none of them twice. */
function subprotocols(names: readonly string[], place: Place): readonly string[] {
  names.forEach((name, index) => {
    const at = place.at("subprotocols", index);
    if (!/^[!#$%&'*+\-.0-9A-Z^_`|a-z~]+$/.test(name)) at.error(`Not the name of a subprotocol: ${name}`);
    else if (names.indexOf(name) < index) at.error(`Subprotocol ${name} is named twice`);
  });
  return names;
}
