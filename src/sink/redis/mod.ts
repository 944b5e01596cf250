import { z } from "zod";
import { BrokerSink } from "../broker/broker_sink.ts";
import { MessageMaker } from "../broker/messages.ts";
import { caKey, urlKey } from "../endpoint_keys.ts";
import { shownAddress } from "../http_client.ts";
import { nameTemplate, templateKey } from "../name_template.ts";
import { DEADLINES, sinkType } from "../sink_type.ts";
import { RedisBroker } from "./redis_broker.ts";

/** Streams of Redis and Valkey: entries have the journal's numbers, so that none is there twice. */
export const REDIS = sinkType({
  name: "redis",
  summary: "Entries in streams of Redis or Valkey",
  keys: {
    url: urlKey(["redis", "rediss"], "redis://collector:${REDIS_PASSWORD}@localhost:6379/0"),
    ca_path: caKey,
    stream: templateKey({ allowed: "A-Za-z0-9_=.:/{}-" }).default("md:{kind}:{exchange}:{symbol}").describe(
      "Key of the stream of an event; `{kind}`, `{exchange}`, `{symbol}`, `{native_symbol}`, `{collector}` and `{sink}` " +
        "stand for its own. Collectors that share a server need `{collector}` in it",
    ),
    position_key: templateKey({ allowed: "A-Za-z0-9_=.:/-", placeholders: ["sink"] }).default("md:_position:{sink}")
      .describe("Begin of the key that holds where the sink stands; the journal's id follows"),
    max_length: z.int().min(0).default(100_000).describe(
      "Entries that a stream keeps, about; older ones leave. 0: all, and memory grows without end",
    ),
    batch_rows: z.int().min(1).max(50_000).default(1_000).describe("Entries that are stored at once"),
    flush_ms: z.int().min(10).max(600_000).default(250).describe(
      "Longest time that an event waits before it is made safe at the destination, in milliseconds",
    ),
    timeout_ms: z.int().min(100).max(60_000).default(5_000).describe(
      "Longest time that the server may take for an answer, in milliseconds",
    ),
  },
  sample: { url: "redis://localhost:6379" },
  folder: () => null,
  describe: (options) => `redis at ${shownAddress(options.url)}, streams ${options.stream}`,
  replayUsage: "redis:URL",
  replayKeys: (url) => url === null ? null : { url },
  capabilities: { exactlyOnce: true, writesInFlight: 1, deadlines: DEADLINES },
  flush: (options) => ({ everyMs: options.flush_ms, bytes: null, events: null }),
  create: (options, context) => {
    const { collector, name: sink } = context;
    const names = nameTemplate(options.stream, { collector, sink, escape: (part) => part.replaceAll("%", "=") });
    const maker = new MessageMaker({ collector, names, withContentId: false });
    const { batch_rows: batchMessages, timeout_ms: timeoutMs } = options;
    return new BrokerSink(new RedisBroker(options, context), { maker, batchMessages, timeoutMs, context });
  },
});
