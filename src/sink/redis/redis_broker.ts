import { Buffer } from "node:buffer";
import { Failure, type Offset, SINK_STREAMS_SEEN_MAX } from "../../model/mod.ts";
import { type Broker, placeText, readPlace } from "../broker/broker_sink.ts";
import type { Message, Place } from "../broker/messages.ts";
import { readAuthorities } from "../endpoint_keys.ts";
import { shownAddress } from "../http_client.ts";
import type { SinkContext } from "../sink_type.ts";

/** Keys of a Redis sink. */
export interface RedisKeys {
  readonly url: string;
  readonly ca_path?: string | undefined;
  readonly position_key: string;
  readonly max_length: number;
  readonly timeout_ms: number;
}

type Library = typeof import("@redis/client");

/** The used part of the client. */
interface Client {
  readonly isOpen: boolean;
  connect(): Promise<unknown>;
  sendCommand(command: readonly (string | Buffer)[]): Promise<unknown>;
  destroy(): void;
}

/** Most bytes of an entry, as for other brokers; Redis itself allows 512 MiB, too much for readers. */
const ENTRY_BYTES_MAX = 1024 * 1024;
/** Numbers that one index within a record leaves for parts of an event. */
const PARTS_MAX = 1_000;

/**
 * Writes streams with entry ids `offset-index`. One transaction adds the entries of a batch and moves the position. A
 * stream accepts only growing ids: a stream with later entries than this sink has written belongs to another writer.
 */
export class RedisBroker implements Broker {
  readonly bodyBytesMax = ENTRY_BYTES_MAX;
  readonly #keys: RedisKeys;
  readonly #context: SinkContext;
  readonly #positionKey: string;
  /** Checked streams, without entries past those of this sink. */
  readonly #own = new Set<string>();
  #client: Client | null = null;
  /** Null before the first connection. */
  #library: Library | null = null;
  #position: string | null = null;
  #closed = false;

  constructor(keys: RedisKeys, context: SinkContext) {
    this.#keys = keys;
    this.#context = context;
    this.#positionKey = `${keys.position_key.replaceAll("{sink}", context.name)}:${context.journal}`;
  }

  async open(): Promise<Place | null> {
    const { url, ca_path, timeout_ms } = this.#keys;
    const ca = await readAuthorities(this.#context.host.files, ca_path);
    const common = { connectTimeout: timeout_ms, socketTimeout: timeout_ms, reconnectStrategy: false } as const;
    // Loaded on demand, because it takes long.
    const library = this.#library = await import("@redis/client");
    const client = library.createClient({
      url,
      // The caller retries: a client that reconnects by itself queues commands and reports nothing.
      disableOfflineQueue: true,
      pingInterval: timeout_ms / 2,
      socket: url.startsWith("rediss:") ? { ...common, tls: true, ...(ca === null ? {} : { ca }) } : common,
    });
    // The end of the connection also fails the command under way, or the next one.
    client.on("error", () => {});
    this.#client = client;
    await this.#try(`connect to Redis at ${shownAddress(url)}`, () => client.connect());
    if (this.#closed) {
      client.destroy();
      throw new Failure("cancelled", "The sink was closed");
    }
    this.#position = await this.#call<string | null>(["GET", this.#positionKey]);
    if (this.#position === null) return null;
    const place = readPlace(this.#position);
    if (place !== null) return place;
    const text = `Cannot go on: ${this.#positionKey} holds no place in a journal`;
    throw new Failure("corrupt", text, { retry: false });
  }

  async commit(messages: readonly Message[], next: Place): Promise<void> {
    const client = this.#live();
    // If another process moves the position meanwhile, the transaction is void.
    await this.#call(["WATCH", this.#positionKey]);
    if (await this.#call<string | null>(["GET", this.#positionKey]) !== this.#position) {
      throw new Failure("sink", `Cannot write to Redis: ${this.#positionKey} was changed by somebody else`);
    }
    await this.#lookAt(messages);
    const to = placeText(next);
    const { max_length: most } = this.#keys;
    const trim = most === 0 ? [] : ["MAXLEN", "~", String(most)];
    const commands: (readonly (string | Uint8Array)[])[] = [["MULTI"]];
    for (const message of messages) {
      commands.push(["XADD", message.name, ...trim, idOf(message), "event", message.body]);
    }
    commands.push(["SET", this.#positionKey, to], ["EXEC"]);
    // One deadline for all commands, because they are sent together.
    const answers = await this.#try(
      "write to Redis",
      () => allSettled(commands.map((command) => client.sendCommand(argumentsOf(command)))),
    );
    const result = answers[answers.length - 1];
    if (result === null) throw new Failure("sink", `Cannot write to Redis: ${this.#positionKey} was changed meanwhile`);
    const refused = Array.isArray(result) ? result.findIndex((answer) => answer instanceof Error) : -1;
    if (refused >= 0) {
      // A transaction goes on after a refused command: the position must go back, so that nothing is skipped.
      await this.#call(
        this.#position === null ? ["DEL", this.#positionKey] : ["SET", this.#positionKey, this.#position],
      );
      throw redisFailure(
        `write to stream ${messages[refused]?.name ?? this.#positionKey}`,
        (result as unknown[])[refused],
        this.#library,
      );
    }
    this.#position = to;
  }

  close(): Promise<void> {
    this.#closed = true;
    const client = this.#client;
    this.#client = null;
    if (client?.isOpen === true) client.destroy();
    return Promise.resolve();
  }

  /** Throws a `Failure` if a stream has entries that this sink has not written. */
  async #lookAt(messages: readonly Message[]): Promise<void> {
    const first = new Map<string, Message>();
    for (const message of messages) {
      if (!this.#own.has(message.name) && !first.has(message.name)) first.set(message.name, message);
    }
    if (this.#own.size + first.size > SINK_STREAMS_SEEN_MAX) this.#own.clear();
    await allSettled([...first].map(async ([name, message]) => {
      const [last] = await this.#call<readonly (readonly [id: string])[]>(["XREVRANGE", name, "+", "-", "COUNT", "1"]);
      if (last !== undefined && !isBefore(last[0], message)) {
        const text = `Cannot write to stream ${name}: its entries up to ${last[0]} are from another collector or ` +
          `another journal; give this sink keys of its own, such as with {collector} in stream`;
        throw new Failure("sink", text, { retry: false });
      }
      this.#own.add(name);
    }));
  }

  async #call<T>(command: readonly string[]): Promise<T> {
    const client = this.#live();
    return await this.#try("write to Redis", () => client.sendCommand(command)) as T;
  }

  async #try<T>(what: string, call: () => Promise<T>): Promise<T> {
    const deadline = Promise.withResolvers<never>();
    const { timeout_ms } = this.#keys;
    const timer = this.#context.host.clock.after(timeout_ms, () => {
      deadline.reject(new Failure("timeout", `Cannot ${what}: the server did not answer within ${timeout_ms} ms`));
    });
    const result = call();
    result.catch(() => {});
    try {
      return await Promise.race([result, deadline.promise]);
    } catch (cause) {
      throw redisFailure(what, cause, this.#library);
    } finally {
      timer.cancel();
    }
  }

  #live(): Client {
    const client = this.#client;
    if (client === null) throw new Failure("closed", "The connection to Redis was closed");
    return client;
  }
}

/** Waits until all have settled, then rejects with the first rejection, so that none is unhandled. */
async function allSettled<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}

/** `offset-sequence`: numbers that grow with index and part. */
function idOf({ offset, index, part }: Message): string {
  return `${offset}-${index * PARTS_MAX + part}`;
}

function isBefore(id: string, message: Message): boolean {
  const [offset, sequence] = id.split("-").map(Number);
  const own: Offset = message.offset;
  return offset < own || (offset === own && sequence < message.index * PARTS_MAX + message.part);
}

function argumentsOf(command: readonly (string | Uint8Array)[]): readonly (string | Buffer)[] {
  return command.map((part) => typeof part === "string" ? part : asBuffer(part));
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array) {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Prefixes of errors that need a person. https://redis.io/docs/latest/develop/reference/protocol-spec/ */
const LASTING = /^(?:WRONGPASS|NOAUTH|NOPERM|WRONGTYPE|ERR|EXECABORT)\b/;

/** Returns the failure of an error of the client or the server. */
function redisFailure(what: string, cause: unknown, library: Library | null): Failure {
  if (cause instanceof Failure) return cause;
  const message = cause instanceof Error ? cause.message : String(cause);
  if (library !== null && cause instanceof library.ErrorReply) {
    return new Failure("sink", `Cannot ${what}: ${message}`, { cause, retry: !LASTING.test(message) });
  }
  if (library !== null && cause instanceof library.SocketTimeoutError) {
    return new Failure("timeout", `Cannot ${what}: ${message}`, { cause });
  }
  const code: unknown = typeof cause === "object" && cause !== null ? Reflect.get(cause, "code") : null;
  if (typeof code === "string" && /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)) {
    return new Failure("tls", `Cannot ${what}: ${message}`, { cause, retry: false });
  }
  return new Failure("connect", `Cannot ${what}: ${message === "" ? "the connection was closed" : message}`, { cause });
}
