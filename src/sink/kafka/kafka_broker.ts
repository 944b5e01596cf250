import { Buffer } from "node:buffer";
import type { Admin, Consumer, Producer } from "@platformatic/kafka";
import { Failure } from "../../model/mod.ts";
import { type Broker, placeText, readPlace } from "../broker/broker_sink.ts";
import type { Message, Place } from "../broker/messages.ts";
import { readAuthorities } from "../endpoint_keys.ts";
import type { SinkContext } from "../sink_type.ts";
import { isThere, kafkaFailure } from "./failure.ts";

/** Keys of a Kafka sink. */
export interface KafkaKeys {
  readonly url: string;
  readonly ca_path?: string | undefined;
  readonly sasl_mechanism: "PLAIN" | "SCRAM-SHA-256" | "SCRAM-SHA-512";
  readonly position_topic: string;
  readonly partitions: number;
  readonly replicas: number;
  readonly compression: "none" | "gzip" | "zstd";
  readonly message_bytes_max: number;
  readonly timeout_ms: number;
}

/** Options of every client. */
interface ClientOptions {
  readonly clientId: string;
  readonly bootstrapBrokers: string[];
  readonly retries: number;
  readonly retryDelay: number;
  readonly timeout: number;
  readonly connectTimeout: number;
  readonly requestTimeout: number;
  readonly tls?: { readonly ca?: string };
  readonly sasl?: {
    readonly mechanism: KafkaKeys["sasl_mechanism"];
    readonly username: string;
    readonly password: string;
  };
}

/** Loads the client on demand: that takes longer than the rest of a start. */
function loadClient(): Promise<typeof import("@platformatic/kafka")> {
  return import("@platformatic/kafka");
}

/** Bytes of a record beside its body: key, header, lengths. */
const RECORD_BYTES = 512;
/** Positions read at once, from the latest backwards. */
const POSITIONS_READ = 2_000n;
/** Bit of a batch with a transaction's mark. https://kafka.apache.org/documentation/#recordbatch */
const CONTROL_BIT = 0x20;
const READ_COMMITTED = 1;
/** Attempts after the first. Fewer than two mean "without end" to an idempotent producer of the client. */
const RETRIES = 2;

/**
 * Writes messages and the position after them in one transaction. The transactional id is that of the sink and its
 * journal: the next object to open it fences the one before and voids its open transaction. Readers must read committed
 * messages only.
 */
export class KafkaBroker implements Broker {
  readonly #keys: KafkaKeys;
  readonly #context: SinkContext;
  /** Key of the position in its topic, and transactional id. */
  readonly #id: string;
  readonly #topics = new Set<string>();
  #admin: Admin | null = null;
  #producer: Producer | null = null;
  #closed = false;

  constructor(keys: KafkaKeys, context: SinkContext) {
    this.#keys = keys;
    this.#context = context;
    this.#id = `${context.name}.${context.journal}`;
  }

  get bodyBytesMax(): number {
    return Math.max(RECORD_BYTES, this.#keys.message_bytes_max - RECORD_BYTES);
  }

  async open(): Promise<Place | null> {
    const { position_topic } = this.#keys;
    const options = await this.#options();
    if (this.#closed) throw new Failure("cancelled", "The sink was closed");
    const { Admin, Producer } = await loadClient();
    const admin = this.#admin = new Admin(options);
    await this.#makeTopic(admin, position_topic, 1, [
      { name: "cleanup.policy", value: "compact" },
      { name: "segment.ms", value: "3600000" },
    ]);
    const producer = this.#producer = new Producer({
      ...options,
      idempotent: true,
      transactionalId: this.#id,
      // Without these the client would continue producer 0 of epoch 0, which is another producer.
      producerId: -1n,
      producerEpoch: -1,
    });
    // From here on no earlier life can commit its transaction.
    await this.#try("begin to write to Kafka", () => producer.initIdempotentProducer({}));
    return await this.#readPlace(options);
  }

  async commit(messages: readonly Message[], next: Place): Promise<void> {
    const producer = this.#producer;
    const admin = this.#admin;
    if (producer === null || admin === null) throw new Failure("closed", "The connection to Kafka was closed");
    const { position_topic, compression, partitions, message_bytes_max } = this.#keys;
    for (const topic of new Set(messages.map(({ name }) => name))) {
      if (!this.#topics.has(topic)) await this.#makeTopic(admin, topic, partitions);
    }
    const collector = this.#context.collector ?? "_";
    const records = messages.map(({ name, exchange, symbol, body, receivedTs, offset, index, part }) => ({
      topic: name,
      key: Buffer.from(`${exchange}:${symbol}`),
      value: asBuffer(body),
      timestamp: BigInt(Math.floor(receivedTs / 1000)),
      headers: new Map([[
        Buffer.from("Cc-Id"),
        Buffer.from(`${collector}.${offset}.${index}${part === 0 ? "" : `.${part}`}`),
      ]]),
    }));
    const place = {
      topic: position_topic,
      partition: 0,
      key: Buffer.from(this.#id),
      value: Buffer.from(placeText(next)),
    };
    await this.#try("write to Kafka", async () => {
      const transaction = await producer.beginTransaction();
      // The limit applies to everything sent to one partition at once.
      for (let from = 0; from < records.length;) {
        let to = from + 1;
        let bytes = records[from].value.length + RECORD_BYTES;
        while (to < records.length && bytes + records[to].value.length + RECORD_BYTES <= message_bytes_max) {
          bytes += records[to++].value.length + RECORD_BYTES;
        }
        await transaction.send({ messages: records.slice(from, to), compression });
        from = to;
      }
      await transaction.send({ messages: [place] });
      await transaction.commit();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    const [producer, admin] = [this.#producer, this.#admin];
    this.#producer = null;
    this.#admin = null;
    // Errors of closing change nothing.
    await Promise.allSettled([producer?.close(true), admin?.close()]);
  }

  async #options(): Promise<ClientOptions> {
    const { url, ca_path, sasl_mechanism, timeout_ms } = this.#keys;
    const ca = await readAuthorities(this.#context.host.files, ca_path);
    const [scheme, rest] = url.split("://");
    const at = rest.lastIndexOf("@");
    const [name, ...password] = at < 0 ? [""] : rest.slice(0, at).split(":");
    return {
      clientId: `crypto-collector-${this.#context.name}`,
      bootstrapBrokers: rest.slice(at + 1).replace(/\/.*$/, "").split(",").map((host) =>
        /:\d+$/.test(host) ? host : `${host}:9092`
      ),
      retries: RETRIES,
      retryDelay: 200,
      timeout: timeout_ms,
      connectTimeout: timeout_ms,
      requestTimeout: timeout_ms,
      ...(scheme === "kafkas" || ca !== null ? { tls: ca === null ? {} : { ca } } : {}),
      ...(at < 0 ? {} : {
        sasl: {
          mechanism: sasl_mechanism,
          username: decodeURIComponent(name),
          password: decodeURIComponent(password.join(":")),
        },
      }),
    };
  }

  /** Makes a missing topic. */
  async #makeTopic(
    admin: Admin,
    topic: string,
    partitions: number,
    configs: readonly { name: string; value: string }[] = [],
  ) {
    const { replicas } = this.#keys;
    await this.#try(`make topic ${topic}`, async () => {
      try {
        await admin.createTopics({ topics: [topic], partitions, replicas, configs: [...configs] });
      } catch (cause) {
        if (!isThere(cause)) throw cause;
      }
    });
    this.#topics.add(topic);
  }

  /** Searches the topic of positions from its end backwards. */
  async #readPlace(options: ClientOptions): Promise<Place | null> {
    const topic = this.#keys.position_topic;
    const { Consumer } = await loadClient();
    const consumer = new Consumer({ ...options, groupId: this.#id });
    try {
      return await this.#try(`read ${topic}`, async () => {
        const bounds = async (timestamp: bigint) => {
          const offsets = await consumer.listOffsets({ topics: [topic], timestamp, isolationLevel: READ_COMMITTED });
          return offsets.get(topic)?.[0] ?? 0n;
        };
        const [begin, end] = [await bounds(-2n), await bounds(-1n)];
        for (let to = end; to > begin; to -= POSITIONS_READ) {
          const from = to - POSITIONS_READ > begin ? to - POSITIONS_READ : begin;
          const place = await this.#readPlaces(consumer, from, to);
          if (place !== null) return place;
        }
        return null;
      });
    } finally {
      await consumer.close(true).catch(() => {});
    }
  }

  /** Returns the latest position of this sink at or past `from` and before `to`; null if there is none. */
  async #readPlaces(consumer: Consumer, from: bigint, to: bigint): Promise<Place | null> {
    const topic = this.#keys.position_topic;
    let found: Place | null = null;
    const { topics } = await consumer.metadata({ topics: [topic] });
    const [partition] = topics.get(topic)?.partitions ?? [];
    const topicId = topics.get(topic)?.id;
    if (partition === undefined || topicId === undefined) return null;
    for (let next = from; next < to;) {
      const { responses } = await consumer.fetch({
        node: partition.leader,
        isolationLevel: READ_COMMITTED,
        minBytes: 1,
        maxBytes: 4 * 1024 * 1024,
        maxWaitTime: 200,
        topics: [{
          topicId,
          partitions: [{
            partition: 0,
            currentLeaderEpoch: -1,
            fetchOffset: next,
            lastFetchedEpoch: -1,
            partitionMaxBytes: 4 * 1024 * 1024,
          }],
        }],
      });
      let after = next;
      for (const batch of responses[0]?.partitions[0]?.records ?? []) {
        after = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
        if ((batch.attributes & CONTROL_BIT) !== 0) continue;
        for (const { key, value, offsetDelta } of batch.records) {
          const offset = batch.firstOffset + BigInt(offsetDelta);
          if (offset >= to || offset < next || key?.toString() !== this.#id) continue;
          found = readPlace(value?.toString() ?? "");
          if (found === null) {
            throw new Failure("corrupt", `Cannot go on: ${topic} holds no place in a journal at ${offset}`, {
              retry: false,
            });
          }
        }
      }
      // Compaction may have removed the last messages.
      if (after === next) break;
      next = after;
    }
    return found;
  }

  /** Runs a call with a deadline, because the client waits for ever for a server that hangs. */
  async #try<T>(what: string, call: () => Promise<T>): Promise<T> {
    const deadline = Promise.withResolvers<never>();
    const ms = this.#keys.timeout_ms * (RETRIES + 1);
    const timer = this.#context.host.clock.after(ms, () => {
      deadline.reject(new Failure("timeout", `Cannot ${what}: Kafka did not answer within ${ms} ms`));
    });
    const result = call();
    result.catch(() => {});
    try {
      return await Promise.race([result, deadline.promise]);
    } catch (cause) {
      throw kafkaFailure(what, cause);
    } finally {
      timer.cancel();
    }
  }
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
