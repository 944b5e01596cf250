import { BACKFILL_PLACEHOLDERS, type BackfillPlan, type FillRule, type RestPlan } from "../../model/mod.ts";
import type { BackfillValues, DescriptorValues } from "../schema_descriptor.ts";
import { checkConnectionIds, connectionIdsOf } from "./connections.ts";
import type { Place } from "./place.ts";
import { namesInstrument, ownBaseUrls, pathTemplate, type RestDemand } from "./rest_paths.ts";
import { serves } from "./symbols.ts";
import type { Texts } from "./texts.ts";

/** Lowers `[[rest.backfill]]`. `names`: names taken by other requests. */
export function buildBackfills(
  descriptor: DescriptorValues,
  context: {
    readonly place: Place;
    readonly texts: Texts;
    readonly demand: RestDemand;
    readonly names: Set<string>;
  },
): readonly BackfillPlan[] {
  const { texts, names } = context;
  return (descriptor.rest?.backfill ?? []).flatMap((backfill, index) => {
    const place = context.place.at("backfill", index);
    if (names.has(backfill.name) || backfill.name === "ws") {
      place.at("name").error(`Name ${backfill.name} is taken: make it unique`);
    }
    names.add(backfill.name);
    checkConnectionIds(backfill.connection_id, descriptor, place.at("connection_id"));
    check(backfill, descriptor, place);
    const isMeant = Object.entries(backfill.if_arg ?? {}).every(([arg, value]) => texts.args[arg] === value);
    return isMeant ? backfillPlans(backfill, descriptor, { ...context, place }) : [];
  });
}

/** Returns what a derivation needs of backfills. */
export function fillRules({ backfills }: RestPlan): readonly FillRule[] {
  return backfills.map(({ name: request, channel, connectionId, isExclusive, direction }) => ({
    request,
    channel,
    connectionId,
    ...(isExclusive ? { leavesOut: direction === "backward" ? "to" as const : "from" as const } : {}),
  }));
}

function check(backfill: BackfillValues, descriptor: DescriptorValues, place: Place): void {
  const { path, body = "", direction, name, window_ms: windowMs } = backfill;
  if (!path.startsWith("/")) place.at("path").error(`Not a path: ${path}; it begins with /`);
  const text = path + body;
  if (!namesInstrument(text)) {
    place.at("path").error("No `{symbol}`: a backfill asks for one instrument at a time");
  }
  for (const arg of Object.keys(backfill.if_arg ?? {})) {
    if (!Object.hasOwn(descriptor.args, arg)) place.at("if_arg", arg).error(`No argument ${arg} in [args]`);
  }
  const names = (pattern: RegExp) => pattern.test(text);
  const { first_path: first } = backfill;
  if (first !== undefined) {
    const at = place.at("first_path");
    if (!first.startsWith("/")) at.error(`Not a path: ${first}; it begins with /`);
    if (!namesInstrument(first + body)) at.error("No `{symbol}`: a backfill asks for one instrument at a time");
    if (/\{(from|to)_id\}/.test(first)) at.error("`first_path` names an id: it is used when no id is known");
    if (!/\{(from|to)_id\}/.test(path)) {
      at.error("Needless `first_path`: `path` names no id, so it serves the first page too");
    }
  }
  const isForward = names(/\{(from_\w+|day|yyyymmdd|page|offset)\}/);
  const isBackward = names(/\{(to_\w+|page|offset)\}/);
  if (direction === "forward" && !isForward) {
    place.at("path").error(
      "No placeholder for the start of a page: give `{from_id}`, `{from_ms}`, `{day}`, `{page}` or `{offset}`",
    );
  }
  if (direction === "backward" && !isBackward) {
    place.at("path").error("No placeholder for the end of a page: give `{to_id}`, `{to_ms}`, `{page}` or `{offset}`");
  }
  if (direction !== "forward" && windowMs !== undefined) {
    place.at("window_ms").error(
      '`window_ms` needs `direction = "forward"`: windows go from the older end to the newer one',
    );
  }
  if (!descriptor.events.some(({ source }) => source === name)) {
    place.error(`No [[events]] rule reads the answers: give one with \`source = "${name}"\``);
  }
}

function backfillPlans(
  backfill: BackfillValues,
  descriptor: DescriptorValues,
  context: { readonly place: Place; readonly texts: Texts; readonly demand: RestDemand },
): readonly BackfillPlan[] {
  const { place, texts, demand } = context;
  const pathAt = place.at("path");
  const stretch = Object.fromEntries(BACKFILL_PLACEHOLDERS.map((name) => [name, `{${name}}`]));
  const template = (path: string, target: Parameters<typeof pathTemplate>[1], at: Place) =>
    pathTemplate(path, target, { place: at, texts }, stretch);
  // Compiled once for a placeholder symbol, so that errors are reported once, even without instruments.
  const sample = { symbol: "BASE/QUOTE", native: "SYMBOL", connectionId: "ID" };
  if (template(backfill.path, sample, pathAt) === null) return [];
  const { name, channel, direction, method, page = null, body: bodyText, first_path: first } = backfill;
  const firstAt = place.at("first_path");
  if (first !== undefined && template(first, sample, firstAt) === null) return [];
  const own = ownBaseUrls(backfill, place, texts);
  return connectionIdsOf(backfill.connection_id).map((connectionId) => {
    const connection = descriptor.ws.connections.find(({ id }) => id === connectionId);
    const served = connection === undefined || !demand.channels.includes(channel)
      ? []
      : demand.instruments.filter((one) => serves(connection, one));
    return {
      name,
      channel,
      connectionId,
      ...own,
      method,
      targets: served.flatMap(({ symbol, native }) => {
        const target = { symbol, native, connectionId };
        const path = template(backfill.path, target, pathAt);
        const body = bodyText === undefined ? null : bodyOf(bodyText, target, texts);
        const firstPath = first === undefined ? null : template(first, target, firstAt);
        return path === null ? [] : [{ native, symbol, path, ...(firstPath === null ? {} : { firstPath }), body }];
      }),
      direction,
      isExclusive: backfill.exclusive,
      pageRows: page,
      windowMs: backfill.window_ms ?? null,
      retentionMs: backfill.retention_ms ?? null,
    };
  });
}

/** Inserts the instrument's values; keeps all other braces. */
function bodyOf(
  text: string,
  { native, symbol }: { readonly native: string; readonly symbol: string },
  { symbolValues, scope }: Texts,
): string {
  const values: Readonly<Record<string, string>> = {
    ...scope.values,
    ...symbolValues({ symbol, native }),
    symbol: native,
    symbol_lower: native.toLowerCase(),
    symbol_upper: native.toUpperCase(),
  };
  return text.replace(/\{([\w:]+)\}/g, (whole, name: string) => {
    if (!Object.hasOwn(values, name)) return whole;
    return JSON.stringify(values[name]).slice(1, -1);
  });
}
