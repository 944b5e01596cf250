import { z } from "zod";
import { BrokerSink } from "../broker/broker_sink.ts";
import { MessageMaker } from "../broker/messages.ts";
import { caKey, urlKey } from "../endpoint_keys.ts";
import { shownAddress } from "../http_client.ts";
import { nameTemplate, templateKey } from "../name_template.ts";
import { DEADLINES, sinkType } from "../sink_type.ts";
import { KafkaBroker } from "./kafka_broker.ts";

const ALLOWED = "A-Za-z0-9_.-";

/** Kafka: one topic per kind; a batch and its position are one transaction. */
export const KAFKA = sinkType({
  name: "kafka",
  summary: "Messages in topics of Kafka",
  keys: {
    url: urlKey(["kafka", "kafkas"], "kafka://collector:${KAFKA_PASSWORD}@localhost:9092"),
    ca_path: caKey,
    sasl_mechanism: z.enum(["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]).default("SCRAM-SHA-512").describe(
      "How user and password are proved, where `url` has them",
    ),
    topic: templateKey({ allowed: ALLOWED }).default("md.{kind}").describe(
      "Topic of an event; `{kind}`, `{exchange}`, `{symbol}`, `{native_symbol}`, `{collector}` and `{sink}` stand for its " +
        "own. The message's key is `exchange:symbol`, so that order holds for each symbol",
    ),
    position_topic: z.string().regex(/^[A-Za-z0-9_.-]+$/).max(200).default("md.offsets").describe(
      "Compacted topic that holds where sinks stand",
    ),
    partitions: z.int().min(1).max(1_000).default(6).describe("Partitions of topics that are made here"),
    replicas: z.int().min(1).max(9).default(1).describe("Replicas of topics that are made here"),
    compression: z.enum(["none", "gzip", "zstd"]).default("none").describe("Compression of the messages"),
    batch_rows: z.int().min(1).max(50_000).default(2_000).describe("Messages of one transaction"),
    message_bytes_max: z.int().min(1_024).max(64 * 1024 * 1024).default(1_000_000).describe(
      "Largest message that the topics take (`max.message.bytes`), in bytes; larger events are split",
    ),
    flush_ms: z.int().min(10).max(600_000).default(250).describe(
      "Longest time that an event waits before it is made safe at the destination, in milliseconds",
    ),
    timeout_ms: z.int().min(100).max(60_000).default(5_000).describe(
      "Longest time that the server may take for an answer, in milliseconds",
    ),
  },
  sample: { url: "kafka://localhost:9092" },
  folder: () => null,
  describe: (options) => `kafka at ${shownAddress(options.url)}, topics ${options.topic}`,
  replayUsage: "kafka:URL",
  replayKeys: (url) => url === null ? null : { url },
  capabilities: { exactlyOnce: true, writesInFlight: 1, deadlines: DEADLINES },
  flush: (options) => ({ everyMs: options.flush_ms, bytes: null, events: null }),
  create: (options, context) => {
    const { collector, name: sink } = context;
    const escape = (part: string) => part.replaceAll("%", "_x").replaceAll("~", "_");
    const names = nameTemplate(options.topic, { collector, sink, escape });
    const maker = new MessageMaker({ collector, names, withContentId: false });
    const { batch_rows: batchMessages, timeout_ms: timeoutMs } = options;
    return new BrokerSink(new KafkaBroker(options, context), { maker, batchMessages, timeoutMs, context });
  },
});
