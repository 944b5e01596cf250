import { headers, type MsgHdrs, type NatsConnection } from "@nats-io/transport-node";
import { Failure } from "../../model/mod.ts";
import { type Broker, placeText, readPlace } from "../broker/broker_sink.ts";
import type { Message, Place } from "../broker/messages.ts";
import type { SinkContext } from "../sink_type.ts";
import { connectNats } from "./connection.ts";
import { type JetStreamError, natsFailure, NO_MESSAGE, NO_STREAM, refusal } from "./failure.ts";
import { covers, streamConfig, type StreamKeys } from "./stream.ts";

/** Keys of a NATS sink about the connection. */
export interface NatsKeys extends StreamKeys {
  readonly url: string;
  readonly ca_path?: string | undefined;
  readonly creds_path?: string | undefined;
  readonly mode: "atomic" | "content_id";
  readonly max_in_flight: number;
  readonly timeout_ms: number;
}

/** Bytes of a message's headers that count against the server's limit, at most. */
const HEADER_BYTES = 1024;

/**
 * Writes to a JetStream stream. `atomic`: a batch and the position after it are stored atomically, and only if nobody
 * else has moved the position. `content_id`: messages carry the content id, the server removes repeats within its
 * window, and the position follows.
 */
export class NatsBroker implements Broker {
  readonly #keys: NatsKeys;
  readonly #context: SinkContext;
  readonly #positionSubject: string;
  #connection: NatsConnection | null = null;
  /** Sequence of the message with the position; 0 if there is none. */
  #sequence = 0;
  #batches = 0;
  #life = "";
  #closed = false;

  constructor(keys: NatsKeys, context: SinkContext) {
    this.#keys = keys;
    this.#context = context;
    this.#positionSubject = `${streamConfig(keys).root}._position.${
      context.name.replaceAll(".", "=2E")
    }.${context.journal}`;
  }

  get bodyBytesMax(): number {
    return (this.#connection?.info?.max_payload ?? HEADER_BYTES * 2) - HEADER_BYTES;
  }

  async open(): Promise<Place | null> {
    const connection = await this.#connect();
    if (this.#closed) {
      await connection.close();
      throw new Failure("cancelled", "The sink was closed");
    }
    this.#connection = connection;
    this.#life = this.#context.host.random.uuid();
    await this.#prepareStream();
    return await this.#readPlace();
  }

  async commit(messages: readonly Message[], next: Place): Promise<void> {
    if (this.#keys.mode === "atomic") return await this.#commitBatch(messages, next);
    const { max_in_flight: most } = this.#keys;
    for (let at = 0; at < messages.length; at += most) {
      await Promise.all(messages.slice(at, at + most).map((message) => this.#publish(message)));
    }
    await this.#commitBatch([], next);
  }

  async close(): Promise<void> {
    this.#closed = true;
    const connection = this.#connection;
    this.#connection = null;
    await connection?.close();
  }

  #connect(): Promise<NatsConnection> {
    const { url, ca_path: caPath = null, creds_path: credsPath = null, timeout_ms: timeoutMs } = this.#keys;
    const name = `crypto-collector ${this.#context.collector ?? ""} ${this.#context.name}`;
    return connectNats({ url, caPath, credsPath, timeoutMs, name }, this.#context.host.files);
  }

  async #prepareStream(): Promise<void> {
    const { stream, mode } = this.#keys;
    const wanted = streamConfig(this.#keys);
    const info = await this.#api<{ config?: { subjects?: readonly string[]; allow_atomic?: boolean } }>(
      `STREAM.INFO.${stream}`,
      {},
      NO_STREAM,
    );
    const { config } = info ?? await this.#api<NonNullable<typeof info>>(`STREAM.CREATE.${stream}`, wanted.config) ??
      {};
    if (mode === "atomic" && config?.allow_atomic !== true) {
      const text = `Cannot write to stream ${stream}: it takes no atomic batches; ` +
        `set allow_atomic on it (NATS 2.12 or newer), or mode = "content_id"`;
      throw new Failure("sink", text, { retry: false });
    }
    const missing = wanted.config.subjects.filter((subject) => !covers(config?.subjects ?? [], subject));
    if (missing.length === 0) return;
    const text = `Cannot write to stream ${stream}: it does not take the subjects ${missing.join(", ")}`;
    throw new Failure("sink", text, { retry: false });
  }

  async #readPlace(): Promise<Place | null> {
    const { stream } = this.#keys;
    const found = await this.#api<{ message?: { seq?: number; data?: string } }>(
      `STREAM.MSG.GET.${stream}`,
      { last_by_subj: this.#positionSubject },
      NO_MESSAGE,
    );
    this.#sequence = found?.message?.seq ?? 0;
    if (found === null) return null;
    const place = readPlace(new TextDecoder().decode(Uint8Array.fromBase64(found.message?.data ?? "")));
    if (place !== null) return place;
    const text = `Cannot go on: the last message of ${this.#positionSubject} holds no place in a journal`;
    throw new Failure("corrupt", text, { retry: false });
  }

  /** Stores messages and the position in one batch. */
  async #commitBatch(messages: readonly Message[], next: Place): Promise<void> {
    const connection = this.#live();
    const id = `${this.#life}.${this.#batches++}`.slice(-60);
    try {
      for (const [at, message] of messages.entries()) {
        const head = this.#head(message);
        head.set("Nats-Batch-Id", id);
        head.set("Nats-Batch-Sequence", String(at + 1));
        connection.publish(message.name, message.body, { headers: head });
      }
    } catch (cause) {
      throw natsFailure("write to NATS", cause);
    }
    const head = headers();
    head.set("Nats-Expected-Last-Subject-Sequence", String(this.#sequence));
    if (messages.length > 0) {
      head.set("Nats-Batch-Id", id);
      head.set("Nats-Batch-Sequence", String(messages.length + 1));
      head.set("Nats-Batch-Commit", "1");
    }
    this.#sequence = await this.#request(this.#positionSubject, new TextEncoder().encode(placeText(next)), head);
  }

  async #publish(message: Message): Promise<void> {
    const head = this.#head(message);
    head.set("Nats-Msg-Id", message.contentId ?? idOf(message, this.#context.collector));
    await this.#request(message.name, message.body, head);
  }

  #head(message: Message): MsgHdrs {
    const head = headers();
    head.set("Cc-Id", idOf(message, this.#context.collector));
    return head;
  }

  /** Publishes a message and returns its sequence in the stream. */
  async #request(subject: string, body: Uint8Array, head: MsgHdrs): Promise<number> {
    const answer = await this.#ask<{ error?: JetStreamError; seq?: number }>(subject, body, { headers: head });
    if (answer.error !== undefined) throw refusal(`write to stream ${this.#keys.stream}`, answer.error);
    return answer.seq ?? 0;
  }

  /** Calls the API of JetStream; null if it answers with the error `absent`. */
  async #api<T extends object>(call: string, body: unknown, absent?: number): Promise<T | null> {
    const answer = await this.#ask<T & { error?: JetStreamError }>(
      `$JS.API.${call}`,
      new TextEncoder().encode(JSON.stringify(body)),
    );
    if (answer.error === undefined) return answer;
    if (answer.error.err_code === absent) return null;
    throw refusal(`prepare stream ${this.#keys.stream}`, answer.error);
  }

  async #ask<T>(subject: string, body: Uint8Array, options: { readonly headers?: MsgHdrs } = {}): Promise<T> {
    try {
      const answer = await this.#live().request(subject, body, { timeout: this.#keys.timeout_ms, ...options });
      return answer.json<T>();
    } catch (cause) {
      throw natsFailure("write to NATS", cause);
    }
  }

  #live(): NatsConnection {
    const connection = this.#connection;
    if (connection === null) throw new Failure("closed", "The connection to NATS was closed");
    return connection;
  }
}

/** `collector.offset.index`, with `.part` of events that were split. */
export function idOf({ offset, index, part }: Message, collector: string | null): string {
  return `${collector ?? "_"}.${offset}.${index}${part === 0 ? "" : `.${part}`}`;
}
