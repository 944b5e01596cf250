import { z } from "zod";
import { BrokerSink } from "../broker/broker_sink.ts";
import { MessageMaker } from "../broker/messages.ts";
import { caKey, urlKey } from "../endpoint_keys.ts";
import { shownAddress } from "../http_client.ts";
import { nameTemplate, templateKey } from "../name_template.ts";
import { DEADLINES, sinkType } from "../sink_type.ts";
import { NatsBroker } from "./nats_broker.ts";
import { streamConfig } from "./stream.ts";

const ALLOWED = "A-Za-z0-9_=.-";

/** NATS JetStream: one subject per kind, exchange and symbol; a batch and its position are stored together. */
export const NATS = sinkType({
  name: "nats",
  summary: "Messages in a JetStream stream of NATS",
  keys: {
    url: urlKey(["nats", "tls"], "nats://collector:${NATS_PASSWORD}@localhost:4222"),
    ca_path: caKey,
    creds_path: z.string().min(1).optional().describe("File with the credentials of a user (`.creds`)"),
    stream: z.string().regex(/^[A-Za-z0-9_-]+$/).max(200).default("CRYPTO").describe(
      "Stream of the messages; made where it is absent, never altered",
    ),
    subject: templateKey({ allowed: ALLOWED }).refine((subject) => /^[A-Za-z0-9_=-]+\..*[^.]$/.test(subject), {
      error: "begins with a part without placeholders and a dot, such as `md.`, and does not end in a dot",
    }).default("md.{kind}.{exchange}.{symbol}").describe(
      "Subject of an event; `{kind}`, `{exchange}`, `{symbol}`, `{native_symbol}`, `{collector}` and `{sink}` stand for " +
        "its own",
    ),
    mode: z.enum(["atomic", "content_id"]).default("atomic").describe(
      "`atomic` stores a batch with its position, so that every event stands once (NATS 2.12 or newer); `content_id` " +
        "lets the server remove what another collector has sent within its duplicate window",
    ),
    max_age_hours: z.number().min(0).default(24).describe(
      "Age in hours at which a stream that is made here lets messages go; 0: never",
    ),
    max_mb: z.int().min(0).default(0).describe(
      "Size in MiB at which a stream that is made here lets its oldest messages go; 0: no such bound",
    ),
    replicas: z.int().min(1).max(5).default(1).describe("Replicas of a stream that is made here"),
    batch_rows: z.int().min(1).max(999).default(999).describe("Messages that are stored at once"),
    max_in_flight: z.int().min(1).max(10_000).default(1_000).describe(
      'Messages that wait for their acknowledgement in `mode = "content_id"`',
    ),
    flush_ms: z.int().min(10).max(600_000).default(250).describe(
      "Longest time that an event waits before it is made safe at the destination, in milliseconds",
    ),
    timeout_ms: z.int().min(100).max(60_000).default(5_000).describe(
      "Longest time that the server may take for an answer, in milliseconds",
    ),
  },
  sample: { url: "nats://localhost:4222" },
  folder: () => null,
  describe: (options) => `nats at ${shownAddress(options.url)}, stream ${options.stream}`,
  setup: (options) => JSON.stringify(streamConfig(options).config, null, 2),
  replayUsage: "nats:URL",
  replayKeys: (url) => url === null ? null : { url },
  capabilities: { exactlyOnce: true, writesInFlight: 1, deadlines: DEADLINES },
  flush: (options) => ({ everyMs: options.flush_ms, bytes: null, events: null }),
  create: (options, context) => {
    const { collector, name: sink } = context;
    // A dot ends a part of a subject.
    const escape = (part: string) => part.replaceAll("%", "=").replaceAll(".", "=2E").replaceAll("~", "=7E");
    const names = nameTemplate(options.subject, { collector, sink, escape });
    const maker = new MessageMaker({ collector, names, withContentId: options.mode === "content_id" });
    const { batch_rows: batchMessages, timeout_ms: timeoutMs } = options;
    return new BrokerSink(new NatsBroker(options, context), { maker, batchMessages, timeoutMs, context });
  },
});
