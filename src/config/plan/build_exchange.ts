import {
  type Channel,
  type ConnectionPlan,
  type FrameConnection,
  type Instrument,
  isInShard,
  type Issue,
  type RestPlan,
  type RunnableExchange,
  shardKey,
  type ShareStreams,
  type Stream,
  streamKey,
  type SubscribeRequest,
} from "../../model/mod.ts";
import { buildBookRules, warnOfUnproven } from "./book_rules.ts";
import {
  buildRules,
  channelNames,
  checkSubscriptions,
  fillsOf,
  nativeChannels,
  withInstruments,
} from "./build_frames.ts";
import {
  buildConnections,
  type ConnectionBase,
  connectionIdsOf,
  connectionShards,
  socketOf,
  withSiblings,
} from "./connections.ts";
import { buildDefinitions } from "./definitions.ts";
import { checkGenerators, type Demand, type Emission, emitMessages } from "./emissions.ts";
import { PlaceholderText } from "./placeholder_text.ts";
import { ExchangeShares } from "./exchange_shares.ts";
import type { ExchangeInput, ListedInstrument } from "./input.ts";
import type { DescriptorValues } from "../schema_descriptor.ts";
import { instrumentsRule } from "./instrument_lists.ts";
import { buildItems } from "./items.ts";
import { listed, Place } from "./place.ts";
import { buildRequests, shardItems } from "./requests.ts";
import { buildRest } from "./rest.ts";
import { buildSymbolTable, frameConnections, type ResolvedSymbols, resolveSymbols, serves } from "./symbols.ts";
import { listValueNames, neededListValues } from "./symbol_values.ts";
import { buildTexts } from "./texts.ts";

/**
 * Lowers an instance and its descriptor into a runnable exchange: compiles rules, resolves symbols, and emits, merges and
 * spreads subscribe messages over sockets. Returns all issues at once; `runnable` is null after an error.
 */
export function buildExchange(
  input: ExchangeInput,
): {
  readonly runnable: RunnableExchange | null;
  readonly issues: readonly Issue[];
  readonly elsewhere: readonly string[];
  readonly shares: readonly ShareStreams[] | null;
} {
  const issues: Issue[] = [];
  const { descriptor, instance, symbolMap } = input;
  const exchange = instance.name;
  const file = new Place(input.locateDescriptor, { issues, exchange });
  const place = file.defining(buildDefinitions(descriptor, file));
  const configured = new Place(input.locateInstance, { issues, exchange });
  const mapPlace = symbolMap === null ? null : new Place(symbolMap.locate, { issues, exchange });
  const texts = buildTexts(descriptor, input.environment, place, input.listed);

  checkSubscriptions(descriptor, place);
  const rules = buildRules(descriptor, place, texts);
  warnOfUnproven(descriptor, { place, events: rules.events });
  const bases = buildConnections(descriptor, { place, texts, controls: rules.controls });
  const map = symbolMap === null || mapPlace === null ? null : { values: symbolMap.values, place: mapPlace };
  const table = buildSymbolTable(map, input.listed ?? []);
  const isListed = input.listed !== undefined;
  const all = withoutLacking(
    resolveSymbols(instance.symbols, {
      table,
      descriptor,
      place: configured.at("symbols"),
      isListed,
      listed: input.listed ?? [],
      symbolsMax: instance.symbols_max,
      refreshMs: instance.symbols_refresh_ms,
    }),
    { descriptor, listed: input.listed ?? [], place: configured.at("symbols") },
  );
  const { instruments, unresolved, elsewhere, selection } = ownShare(all, input);
  const shares = input.shares == null ? null : new ExchangeShares(descriptor, input.shares);
  const offered = nativeChannels(descriptor, { place, texts });
  const channels = [...new Set(instance.channels)];
  const wholeRest = buildRest(descriptor, { place, texts, demand: { instruments, channels } });
  const rest = shares === null ? wholeRest : shares.narrowed(wholeRest);
  const demand: Demand = {
    descriptor,
    place,
    texts,
    instruments,
    channels: offered.filter(({ channel }) => channels.includes(channel)),
  };
  if (instruments.length === 0) checkGenerators(descriptor, place, texts.args);
  const sockets = buildSockets(demand, bases, shares);
  const connections = withSiblings([...sockets.values()].flat(), instance.redundancy);
  const streams = shares === null ? null : shares.streams(sockets, rest);
  // Another share may have what this one lacks, so missing channels are reported only without shares.
  if (elsewhere.length === 0 && shares === null) {
    checkCoverage({ connections, rest, demand, channels: instance.channels, place: configured.at("channels") });
  }

  const shown = new Set(streams?.flatMap((one) => one.streams.map(({ symbol }) => symbol)));
  const isHere = (symbol: string) => shares === null || shares.isHeld(symbol) || shown.has(symbol);
  const runnable: RunnableExchange = {
    instruments: instruments.filter(({ symbol }) => isHere(symbol)),
    unresolved: unresolved.filter(isHere),
    instrumentsRefreshMs: instance.symbols_refresh_ms,
    ...(selection === null ? {} : { selection }),
    channels,
    connections,
    rest,
    frames: {
      ...rules,
      exchange,
      connections: withListed(
        frameConnections(descriptor, withInstruments(table.instruments, instruments), mapPlace),
        { descriptor, instruments, listed: input.listed ?? [] },
      ),
      channels: channelNames(offered),
      books: buildBookRules(descriptor, { place, texts, events: rules.events, instruments }),
      ...fillsOf(rest),
      ...(channels.includes("instruments") ? instrumentsRule(rest, instruments) : {}),
      wanted: channels,
    },
  };
  const others = [...instruments.map(({ symbol }) => symbol), ...unresolved].filter((symbol) => !isHere(symbol));
  return {
    runnable: issues.some(({ severity }) => severity === "error") ? null : runnable,
    issues,
    elsewhere: [...elsewhere, ...others],
    shares: streams,
  };
}

/** Makes instruments wait for the exchange's list if requests need a value that it has not given. */
function withoutLacking(
  resolved: ResolvedSymbols,
  { descriptor, listed: rows, place }: {
    readonly descriptor: DescriptorValues;
    readonly listed: readonly ListedInstrument[];
    readonly place: Place;
  },
): ResolvedSymbols {
  const needed = neededListValues(descriptor);
  if (needed.length === 0) return resolved;
  const byCanonical = new Map(rows.map(({ canonical, values }) => [canonical, values]));
  const lacks = (symbol: string) => needed.some((name) => !Object.hasOwn(byCanonical.get(symbol) ?? {}, name));
  const lacking = resolved.instruments.map(({ symbol }) => symbol).filter(lacks);
  if (lacking.length > 0) {
    place.warning(
      `Requests hold ${listed(needed)} of ${
        listed(lacking)
      }, which the exchange's instrument list gives: they wait for it`,
    );
  }
  const instruments = resolved.instruments.filter(({ symbol }) => !lacking.includes(symbol));
  return { ...resolved, instruments, unresolved: [...resolved.unresolved, ...lacking] };
}

/** Adds list values of the collected instruments to the connections that carry them. */
function withListed(
  connections: readonly FrameConnection[],
  { descriptor, instruments, listed: rows }: {
    readonly descriptor: DescriptorValues;
    readonly instruments: readonly Instrument[];
    readonly listed: readonly ListedInstrument[];
  },
): readonly FrameConnection[] {
  const names = listValueNames(descriptor);
  if (names.length === 0) return connections;
  const byCanonical = new Map(rows.map(({ canonical, values }) => [canonical, values]));
  return connections.map((connection) => {
    const listed = Object.fromEntries(instruments.flatMap(({ symbol, native }) => {
      if (connection.canonical[native] !== symbol) return [];
      // Measures change daily and no rule uses them.
      const own = Object.entries(byCanonical.get(symbol) ?? {}).filter(([name]) => names.includes(name));
      return own.length === 0 ? [] : [[native, Object.fromEntries(own)] as const];
    }));
    return Object.keys(listed).length === 0 ? connection : { ...connection, listed };
  });
}

/** Splits symbols into those of the collector's share and the others. */
function ownShare(
  { instruments, unresolved, selection }: ResolvedSymbols,
  { shard, descriptor }: ExchangeInput,
): ResolvedSymbols & { readonly elsewhere: readonly string[] } {
  if (shard === null || shard === undefined) return { instruments, unresolved, selection, elsewhere: [] };
  const isWhole = descriptor.parse?.socket_sequence !== undefined;
  const isOurs = (symbol: string) => isInShard(shard, shardKey(descriptor.meta.name, symbol, isWhole));
  const symbols = [...instruments.map(({ symbol }) => symbol), ...unresolved];
  return {
    instruments: instruments.filter(({ symbol }) => isOurs(symbol)),
    unresolved: unresolved.filter(isOurs),
    selection,
    elsewhere: symbols.filter((symbol) => !isOurs(symbol)),
  };
}

/**
 * Returns the sockets of all connections with subscriptions, by the number of each held share of a group; under 0 without
 * shares.
 */
function buildSockets(
  demand: Demand,
  bases: ReadonlyMap<string, ConnectionBase>,
  shares: ExchangeShares | null,
): ReadonlyMap<number, readonly ConnectionPlan[]> {
  const { descriptor, place } = demand;
  const placeholders = new PlaceholderText();
  const emissions = emitMessages(demand);
  const sockets = new Map<number, ConnectionPlan[]>();
  const add = (share: number, plans: readonly ConnectionPlan[]) => {
    sockets.set(share, [...sockets.get(share) ?? [], ...shares === null ? plans : shares.named(plans, share)]);
  };
  for (const { id, limits, per_symbol: perSymbol } of descriptor.ws.connections) {
    const base = bases.get(id);
    if (base === undefined) continue;
    const emitted = emissions.get(id) ?? [];
    if (perSymbol === true) {
      for (const share of shares?.held ?? [0]) {
        const own = demand.instruments.filter(({ symbol }) => shares === null || shares.of(symbol) === share);
        add(share, symbolSockets(emitted, { base, demand: { ...demand, instruments: own }, placeholders }));
      }
      continue;
    }
    const items = buildItems(emitted, { subscriptions: descriptor.subscriptions, place, placeholders });
    for (const [share, own] of shares === null ? [[0, items] as const] : shares.divide(items)) {
      const parts = shardItems(own, limits.items ?? null);
      const requests = parts.map((part) => buildRequests(part, descriptor.subscriptions, placeholders));
      for (const part of requests) checkReplacing(part, id, demand);
      add(share, connectionShards(base, requests));
    }
  }
  return sockets;
}

/** Returns the sockets of a `per_symbol` connection; each subscribes to its symbol alone. */
function symbolSockets(
  emissions: readonly Emission[],
  { base, demand, placeholders }: {
    readonly base: ConnectionBase;
    readonly demand: Demand;
    readonly placeholders: PlaceholderText;
  },
): readonly ConnectionPlan[] {
  const { descriptor, place, instruments } = demand;
  const { subscriptions } = descriptor;
  const mixed = emissions.find(({ streams }) => new Set(streams.map(({ symbol }) => symbol)).size > 1);
  if (mixed !== undefined) {
    place.at("subscriptions", mixed.subscription, "generator").error(
      `A message on connection ${base.connectionId} is of several symbols: each symbol has a socket there, so emit it ` +
        "within a foreach over symbols",
    );
    return [];
  }
  const sockets = instruments.flatMap(({ symbol, native }) => {
    const own = emissions.filter(({ streams }) => streams[0]?.symbol === symbol);
    if (own.length === 0) return [];
    const requests = buildRequests(
      buildItems(own, { subscriptions, place, placeholders }),
      subscriptions,
      placeholders,
    );
    checkReplacing(requests, base.connectionId, demand);
    return [{ base: socketOf(base, native), requests }];
  });
  return sockets.map(({ base: own, requests }, index) => ({
    ...own,
    key: index === 0 ? base.connectionId : `${base.connectionId}#${index + 1}`,
    requests,
  }));
}

/** Reports requests that would replace one another. */
function checkReplacing(requests: readonly SubscribeRequest[], connectionId: string, demand: Demand): void {
  if (requests.length < 2 || !requests.some(({ replaces }) => replaces)) return;
  const index = demand.descriptor.subscriptions.findIndex((values) =>
    values.replaces && connectionIdsOf(values.connection_id).includes(connectionId)
  );
  demand.place.at("subscriptions", index, "replaces").error(
    `What is asked for on connection ${connectionId} does not fit one message: each of the ${requests.length} messages ` +
      "would replace the one before; merge them by `batch`, or lower `limits.items`",
  );
}

/** Reports channels without a subscription: an error if no symbol has the channel, a warning if some lack it. */
function checkCoverage(
  context: {
    readonly connections: readonly ConnectionPlan[];
    readonly rest: RestPlan;
    readonly demand: Demand;
    readonly channels: readonly Channel[];
    readonly place: Place;
  },
): void {
  const { demand, channels, place } = context;
  if (demand.instruments.length === 0) return;
  const covered = new Set(coveredStreams(context).map(streamKey));
  const name = demand.descriptor.meta.name;
  channels.forEach((channel, index) => {
    if (channels.indexOf(channel) !== index) return;
    const without = demand.instruments.filter(({ symbol }) => !covered.has(streamKey({ channel, symbol })));
    if (without.length === 0) return;
    const at = place.at(index);
    if (without.length === demand.instruments.length) {
      at.error(`Channel ${channel} is not offered for these symbols by ${name}: it offers ${offeredWords(context)}`);
    } else {
      at.warning(`Channel ${channel} is not offered by ${name} for ${listed(without.map(({ symbol }) => symbol))}`);
    }
  });
}

function coveredStreams(
  { connections, rest, demand }: {
    readonly connections: readonly ConnectionPlan[];
    readonly rest: RestPlan;
    readonly demand: Demand;
  },
): readonly Stream[] {
  const subscribed = connections.flatMap(({ requests }) =>
    requests.flatMap(({ items }) => items.flatMap(({ streams }) => streams))
  );
  const polled = rest.requests.filter(({ everyMs }) => everyMs !== null).flatMap(
    ({ channel, targets, connectionId }) => {
      const connection = demand.descriptor.ws.connections.find(({ id }) => id === connectionId);
      const all = connection === undefined ? [] : demand.instruments.filter((one) => serves(connection, one));
      return targets.flatMap(({ symbol }) => (symbol === "" ? all : [{ symbol }]).map((one) => ({ channel, ...one })));
    },
  );
  const listed = rest.instruments.length === 0
    ? []
    : demand.instruments.map(({ symbol }) => ({ channel: "instruments", symbol } as const));
  return [...subscribed, ...polled, ...listed].map(({ channel, symbol }) => ({ channel, symbol }));
}

/** Returns the channels that the descriptor offers for the instance's symbols, by emitting messages for all channels. */
function offeredWords({ demand }: { readonly demand: Demand }): string {
  const { descriptor, place, texts } = demand;
  const quiet = new Place(() => NOWHERE, { issues: [], exchange: null });
  const all = { ...demand, place: quiet, channels: nativeChannels(descriptor, { place, texts }) };
  const streams = [...emitMessages(all).values()].flat().flatMap((emission) => emission.streams);
  const polled = (descriptor.rest?.requests ?? []).filter(({ every_ms: every }) => every !== undefined);
  const lists = (descriptor.rest?.instruments ?? []).slice(0, 1).map(() => ({ channel: "instruments" }));
  return listed(new Set([...streams, ...polled, ...lists].map(({ channel }) => channel)));
}

const NOWHERE = { file: "", line: 1, column: 1, length: 1, sourceLine: "" };
