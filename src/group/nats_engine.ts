import { headers, type NatsConnection } from "@nats-io/transport-node";
import type { Micros } from "../model/mod.ts";
import {
  connectNats,
  type JetStreamError,
  natsFailure,
  NO_MESSAGE,
  NO_STREAM,
  refusal,
  WRONG_LAST_SEQUENCE,
} from "../sink/mod.ts";
import {
  type EngineOptions,
  ENTRY_AGE_MS_MAX,
  type GroupEngine,
  noteKey,
  prepared,
  type StoredEntries,
  type StoredEntry,
  type UnpreparedEngine,
} from "./engine.ts";

interface Answer {
  readonly error?: JetStreamError;
}

interface StreamInfo extends Answer {
  /** The server's time. */
  readonly ts?: string;
  readonly state?: { readonly subjects?: Readonly<Record<string, number>> };
}

interface StoredMessage extends Answer {
  readonly message?: { readonly subject: string; readonly seq: number; readonly data?: string; readonly time: string };
}

/** Connects, and makes the bucket if there is none; uses an existing one as it is. */
export async function openNatsEngine({ plan, host, timeoutMs }: EngineOptions): Promise<GroupEngine> {
  const { url, caPath, credsPath, name } = plan;
  const connection = await connectNats(
    { url, caPath, credsPath, timeoutMs, name: `crypto-collector group ${name}` },
    host.files,
  );
  return await prepared(new NatsEngine(connection, `CC_GROUP_${name}`, timeoutMs));
}

/**
 * A key-value bucket of JetStream (ADR-8): the last message of each subject is the entry, its stream sequence the
 * revision. All reads go to the stream's leader, so that none is stale.
 */
class NatsEngine implements UnpreparedEngine {
  readonly #connection: NatsConnection;
  readonly #stream: string;
  readonly #root: string;
  readonly #timeoutMs: number;

  constructor(connection: NatsConnection, bucket: string, timeoutMs: number) {
    this.#connection = connection;
    this.#stream = `KV_${bucket}`;
    this.#root = `$KV.${bucket}.`;
    this.#timeoutMs = timeoutMs;
  }

  async prepare(): Promise<void> {
    const info = await this.#api<StreamInfo>(`STREAM.INFO.${this.#stream}`, {});
    if (info.error === undefined) return;
    if (info.error.err_code !== NO_STREAM) throw this.#refused(info.error);
    const created = await this.#api(`STREAM.CREATE.${this.#stream}`, {
      name: this.#stream,
      subjects: [`${this.#root}>`],
      max_msgs_per_subject: 1,
      max_age: ENTRY_AGE_MS_MAX * 1_000_000,
      discard: "new",
      deny_delete: true,
      allow_rollup_hdrs: true,
      allow_direct: true,
      storage: "file",
      num_replicas: 1,
    });
    if (created.error !== undefined) throw this.#refused(created.error);
  }

  async put(key: string, value: string, expected: number): Promise<number | null> {
    const head = headers();
    head.set("Nats-Expected-Last-Subject-Sequence", String(expected));
    const answer = await this.#ask<Answer & { readonly seq?: number }>(this.#root + key, value, head);
    if (answer.error?.err_code === WRONG_LAST_SEQUENCE) return null;
    if (answer.error !== undefined) throw this.#refused(answer.error);
    return answer.seq ?? null;
  }

  async list(): Promise<StoredEntries> {
    const info = await this.#api<StreamInfo>(`STREAM.INFO.${this.#stream}`, { subjects_filter: `${this.#root}*` });
    if (info.error !== undefined) throw this.#refused(info.error);
    const subjects = Object.keys(info.state?.subjects ?? {});
    const found = await Promise.all(subjects.map((subject) => this.#last(subject)));
    const entries = found.filter((entry) => entry !== null);
    // Servers before 2.10 do not give their time: the latest entry then stands for now.
    const now = info.ts === undefined ? Math.max(0, ...entries.map(({ storedAt }) => storedAt)) : microsOf(info.ts);
    return { now, entries };
  }

  async putNote(key: string, text: string): Promise<void> {
    const answer = await this.#ask<Answer>(this.#root + noteKey(key), text);
    if (answer.error !== undefined) throw this.#refused(answer.error);
  }

  async note(key: string): Promise<string | null> {
    return (await this.#last(this.#root + noteKey(key)))?.value ?? null;
  }

  async close(): Promise<void> {
    // The connection is given up; an error changes nothing.
    await this.#connection.close().catch(() => {});
  }

  async #last(subject: string): Promise<StoredEntry | null> {
    const { error, message } = await this.#api<StoredMessage>(`STREAM.MSG.GET.${this.#stream}`, {
      last_by_subj: subject,
    });
    if (error?.err_code === NO_MESSAGE) return null;
    if (error !== undefined || message === undefined) throw this.#refused(error ?? {});
    return {
      key: subject.slice(this.#root.length),
      value: new TextDecoder().decode(Uint8Array.fromBase64(message.data ?? "")),
      revision: message.seq,
      storedAt: microsOf(message.time),
    };
  }

  #refused(error: JetStreamError) {
    return refusal(`keep the group in ${this.#stream}`, error);
  }

  #api<T extends Answer>(call: string, body: object): Promise<T> {
    return this.#ask<T>(`$JS.API.${call}`, JSON.stringify(body));
  }

  async #ask<T>(subject: string, body: string, head?: ReturnType<typeof headers>): Promise<T> {
    try {
      const options = { timeout: this.#timeoutMs, ...(head === undefined ? {} : { headers: head }) };
      return (await this.#connection.request(subject, body, options)).json<T>();
    } catch (cause) {
      throw natsFailure("reach the group's engine NATS", cause);
    }
  }
}

/** Reads an RFC 3339 time with up to nine digits of a second. */
function microsOf(time: string): Micros {
  const fraction = /\.(\d+)/.exec(time)?.[1] ?? "";
  const micros = Number(fraction.padEnd(6, "0").slice(0, 6));
  return Math.floor(Date.parse(time) / 1000) * 1_000_000 + micros;
}
