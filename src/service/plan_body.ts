import {
  type ExchangePlan,
  type Plan,
  type RunnableExchange,
  showRequest,
  showTemplate,
  streamKey,
} from "../model/mod.ts";
import type { ListSource } from "./listed_sources.ts";

/**
 * Returns the plan as plain values: templates as text with their placeholders, secrets hidden. `lists`: which
 * instrument lists it was made by, where that is known.
 */
export function planBody(
  plan: Plan,
  exchanges: readonly ExchangePlan[] = plan.exchanges,
  lists: ReadonlyMap<string, ListSource> = new Map(),
): unknown {
  return {
    http: `${plan.run.httpHost}:${plan.run.httpPort}`,
    collector: plan.run.collector,
    data_dir: plan.run.dataDir,
    shard: plan.run.shard,
    journal: plan.journal,
    dedup: plan.dedup,
    book_tops: plan.bookTops,
    ...(plan.group === null ? {} : {
      group: {
        engine: plan.group.engine,
        name: plan.group.name,
        ttl_ms: plan.group.ttlMs,
        replicas: plan.group.replicas,
        shares: plan.group.shares,
      },
    }),
    sinks: plan.sinks,
    exchanges: exchanges.map((exchange) => ({
      name: exchange.name,
      enabled: exchange.enabled,
      descriptor: exchange.descriptorName,
      descriptor_path: exchange.descriptorPath,
      descriptor_hash: exchange.descriptorHash,
      elsewhere: exchange.elsewhere,
      runnable: exchange.runnable !== null,
      ...listBody(lists.get(exchange.name)),
      ...(exchange.runnable === null ? {} : runnableBody(exchange.runnable)),
    })),
  };
}

function listBody(list: ListSource | undefined) {
  if (list === undefined) return {};
  const { from, instruments, ageMs, reason } = list;
  return { instrument_list: { from, instruments, age_ms: ageMs === null ? null : Math.round(ageMs), reason } };
}

function runnableBody(runnable: RunnableExchange) {
  return {
    ...(runnable.selection === undefined ? {} : { selection: runnable.selection }),
    instruments: runnable.instruments,
    channels: runnable.channels,
    connections: runnable.connections.map((connection) => ({
      key: connection.key,
      urls: connection.urls.map(showTemplate),
      read_timeout_ms: connection.readTimeoutMs,
      keepalive: {
        mode: connection.keepalive.mode,
        interval_ms: connection.keepalive.intervalMs,
        template: connection.keepalive.template === null ? null : showTemplate(connection.keepalive.template),
      },
      send_limit: connection.sendLimit,
      hello: connection.hello.map(showTemplate),
      requests: connection.requests.map(({ message, items, ack }, index) => ({
        message: showRequest(message, index + 1),
        items: items.length,
        streams: items.flatMap((item) => item.streams.map(streamKey)),
        ack,
      })),
    })),
    rest: runnable.rest.requests.map((request) => ({
      name: request.name,
      channel: request.channel,
      every_ms: request.everyMs,
      paths: request.targets.map(({ path }) => showTemplate(path)),
    })),
    backfill: runnable.rest.backfills.map((backfill) => ({
      name: backfill.name,
      channel: backfill.channel,
      direction: backfill.direction,
      method: backfill.method,
      paths: backfill.targets.map(({ path }) => showTemplate(path)),
    })),
    controls: runnable.frames.controls.map(({ name, action, text, when }) => ({
      name,
      action,
      when: text ?? when?.source ?? null,
    })),
    events: runnable.frames.events.map((rule) => ({
      name: rule.name,
      kind: rule.kind,
      channel: rule.channel,
      source: rule.source,
      when: rule.when.source,
      rows: rule.rows.source,
      where: rule.where?.source ?? null,
    })),
  };
}
