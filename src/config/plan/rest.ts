import type { RestPlan, RestRateLimit, RestRequestPlan, Template } from "../../model/mod.ts";
import type { DescriptorValues, RestRequestValues, RestValues } from "../schema_descriptor.ts";
import { sourceOf, templateOf } from "./compile.ts";
import { baseUrlsOf, namesInstrument, ownBaseUrls, pathTemplate, type RestDemand } from "./rest_paths.ts";
import { buildHeaders, checkConnectionIds, connectionIdsOf, proxyOf } from "./connections.ts";
import { buildBackfills } from "./backfill.ts";
import { buildInstrumentLists, buildRankings } from "./instrument_lists.ts";
import type { Place } from "./place.ts";
import { serves } from "./symbols.ts";
import { type Texts, withValues } from "./texts.ts";

/** Lowers `[rest]`. */
export function buildRest(
  descriptor: DescriptorValues,
  context: { readonly place: Place; readonly texts: Texts; readonly demand: RestDemand },
): RestPlan {
  const rest = descriptor.rest;
  if (rest === undefined) {
    return {
      baseUrls: [],
      headers: {},
      caCertPaths: [],
      rateLimit: null,
      requests: [],
      instruments: [],
      backfills: [],
    };
  }
  const place = context.place.at("rest");
  const baseUrls = baseUrlsOf(rest.base_urls, place, context.texts);
  const names = new Set<string>();
  return {
    baseUrls,
    headers: buildHeaders(rest.headers, { place: place.at("headers"), texts: context.texts }),
    ...proxyOf(rest.proxy, { place: place.at("proxy"), texts: context.texts }),
    caCertPaths: [...new Set(descriptor.ws.connections.flatMap(({ tls }) => tls.ca_cert_path ?? []))],
    rateLimit: rateLimit(rest, place),
    requests: rest.requests.flatMap((request, index) => {
      const at = place.at("requests", index);
      if (names.has(request.name) || request.name === "ws") {
        at.at("name").error(`Name ${request.name} is taken: make it unique`);
      }
      names.add(request.name);
      checkConnectionIds(request.connection_id, descriptor, at.at("connection_id"));
      return requestPlans(request, descriptor, { ...context, place: at });
    }),
    instruments: buildInstrumentLists(rest, { place, texts: context.texts, unit: descriptor.parse?.time_unit ?? "ms" }),
    ...buildRankings(rest, { place, texts: context.texts }),
    backfills: buildBackfills(descriptor, { ...context, place, names }),
  };
}

function rateLimit(rest: RestValues, place: Place): RestRateLimit | null {
  const limit = rest.rate_limit;
  if (limit === undefined) return null;
  const { requests_per_minute: perMinute, token_bucket: bucket } = limit;
  if ((perMinute === undefined) === (bucket === undefined)) {
    place.at("rate_limit").error("A rate limit has either `requests_per_minute` or `token_bucket`");
  }
  if (perMinute !== undefined) return { kind: "requests_per_minute", requestsPerMinute: perMinute };
  if (bucket === undefined) return null;
  return { kind: "token_bucket", capacity: bucket.capacity, refillPerSecond: bucket.refill_per_second };
}

/** The plans of one request: one for each connection on whose behalf it is asked. */
function requestPlans(
  request: RestRequestValues,
  descriptor: DescriptorValues,
  context: { readonly place: Place; readonly texts: Texts; readonly demand: RestDemand },
): readonly RestRequestPlan[] {
  const { place, texts, demand } = context;
  const pathAt = place.at("path");
  if (!request.path.startsWith("/")) pathAt.error(`Not a path: ${request.path}; it begins with /`);
  // Compiled once for a symbol of its own, so that its errors are reported without any instrument and only once.
  const sample = pathTemplate(request.path, { symbol: "BASE/QUOTE", native: "SYMBOL", connectionId: "ID" }, {
    place: pathAt,
    texts,
  });
  if (request.body !== undefined && request.method === "GET") {
    place.at("body").error('A request by GET has no body: say method = "POST"');
  }
  const own = ownBaseUrls(request, place, texts);
  bodyTemplate(request, { symbol: "BASE/QUOTE", native: "SYMBOL", connectionId: "ID" }, {
    place: place.at("body"),
    texts,
  });
  const native = request.native === undefined ? null : sourceOf(request.native, place.at("native"));
  const match = { ...requestMatch(request.path), ...(native === null ? {} : { native }) };
  return connectionIdsOf(request.connection_id).map((connectionId) => {
    const connection = descriptor.ws.connections.find(({ id }) => id === connectionId);
    const served = connection === undefined || request.recorded || !demand.channels.includes(request.channel)
      ? []
      : demand.instruments.filter((one) => serves(connection, one));
    const perSymbol = namesInstrument(request.path) || namesInstrument(request.body ?? "");
    const asked = perSymbol ? served : served.slice(0, 1).map(() => ({ symbol: "", native: "" }));
    return {
      name: request.name,
      channel: request.channel,
      connectionId,
      ...own,
      targets: sample === null ? [] : asked.flatMap(({ symbol, native }) => {
        const path = pathTemplate(request.path, { symbol, native, connectionId }, { place: pathAt, texts });
        const body = bodyTemplate(request, { symbol, native, connectionId }, { place: place.at("body"), texts });
        return path === null ? [] : [{ native, symbol, path, ...(body === null ? {} : { body }) }];
      }),
      ...(request.method === "POST" ? { method: request.method } : {}),
      everyMs: request.every_ms ?? null,
      match,
    };
  });
}

/** The body for one instrument; null where there is none, or it was reported. */
function bodyTemplate(
  { body }: RestRequestValues,
  target: { readonly symbol: string; readonly native: string; readonly connectionId: string },
  { place, texts }: { readonly place: Place; readonly texts: Texts },
): Template | null {
  if (body === undefined) return null;
  const { native, connectionId } = target;
  const values = {
    ...texts.symbolValues(target),
    symbol: native,
    symbol_lower: native.toLowerCase(),
    symbol_upper: native.toUpperCase(),
    conn_id: connectionId,
  };
  const scope = withValues(texts.scope, values);
  return templateOf(body, place, { ...scope, placeholders: ["now_ms", "now_s", "uuid", "env"] });
}

/**
 * `/depth?symbol={symbol}&limit=5` → path `/depth`, parameter `symbol`; `/book/{symbol}` → path `/book/`, no
 * parameter.
 */
function requestMatch(path: string): RestRequestPlan["match"] {
  const parameter = /[?&]([^=&{}]+)=\{symbol(?:_lower|_upper)?\}/.exec(path);
  const end = Math.min(...["?", "{"].map((char) => path.includes(char) ? path.indexOf(char) : path.length));
  const suffix = path.split("?")[0].split("}").slice(1).at(-1) ?? "";
  return {
    pathPrefix: path.slice(0, end),
    ...(suffix === "" || suffix === "/" ? {} : { pathSuffix: suffix }),
    symbolParameter: parameter?.[1] ?? null,
  };
}
