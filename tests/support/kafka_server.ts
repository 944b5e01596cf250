import { Admin, Consumer } from "@platformatic/kafka";
import { freePort, isThere, SERVERS_DIR, TestServer, TLS_FILES } from "./server_process.ts";

const LIBS = `${SERVERS_DIR}/kafka`;

/** Why there is no server to test against; null where there is one. */
export const KAFKA_ABSENT = isThere(LIBS) ? null : "no Kafka is installed";

const [USER, PASSWORD] = ["collector", "kafka-secret"];

/** A Kafka of one node (KRaft): one port with a login for the sink, one without for readers. */
export class KafkaServer extends TestServer {
  readonly port = freePort();
  readonly #plain = freePort();
  readonly #tls: boolean;

  private constructor(dir: string, tls: boolean) {
    const args = ["-Xmx400m", "-cp", `${LIBS}/*`, "kafka.Kafka", `${dir}/server.properties`];
    super(dir, { command: "java", args, readyMs: 120_000 });
    this.#tls = tls;
  }

  static async start({ tls = false } = {}): Promise<KafkaServer> {
    const server = new KafkaServer(await Deno.makeTempDir({ prefix: "kafka" }), tls);
    await server.#format();
    await server.start();
    return server;
  }

  url(password = PASSWORD): string {
    return `kafka://${USER}:${password}@127.0.0.1:${this.port}`;
  }

  protected answers(): Promise<void> {
    return this.#use(async (admin) => void await admin.listTopics({}));
  }

  /** Removes topics whose names begin so. */
  purge(prefix: string): Promise<void> {
    return this.#use(async (admin) => {
      const topics = (await admin.listTopics({})).filter((name) => name.startsWith(prefix));
      if (topics.length > 0) await admin.deleteTopics({ topics });
    });
  }

  /** All committed messages of topics whose names begin so, topic by topic, in the order of partition 0. */
  async read(prefix: string): Promise<readonly { readonly name: string; readonly body: string }[]> {
    const topics = await this.#use(async (admin) =>
      (await admin.listTopics({})).filter((name) => name.startsWith(prefix))
    );
    const held: { name: string; body: string }[] = [];
    for (const name of topics.filter((topic) => !topic.endsWith("offsets")).sort()) {
      const consumer = new Consumer({ ...this.#client(), groupId: "reader" });
      try {
        const end =
          (await consumer.listOffsets({ topics: [name], timestamp: -1n, isolationLevel: 0 })).get(name)?.[0] ?? 0n;
        const { topics: known } = await consumer.metadata({ topics: [name] });
        const topic = known.get(name);
        for (let next = 0n; topic !== undefined && next < end;) {
          const place = { partition: 0, currentLeaderEpoch: -1, fetchOffset: next, lastFetchedEpoch: -1 };
          const { responses } = await consumer.fetch({
            node: topic.partitions[0].leader,
            isolationLevel: 1,
            maxWaitTime: 100,
            minBytes: 1,
            maxBytes: 16 * 1024 * 1024,
            topics: [{ topicId: topic.id, partitions: [{ ...place, partitionMaxBytes: 16 * 1024 * 1024 }] }],
          });
          for (const batch of responses[0]?.partitions[0]?.records ?? []) {
            next = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
            if ((batch.attributes & 0x20) !== 0) continue;
            for (const { value } of batch.records) held.push({ name, body: value?.toString() ?? "" });
          }
        }
      } finally {
        await consumer.close(true);
      }
    }
    return held;
  }

  #client() {
    return { clientId: "test", bootstrapBrokers: [`127.0.0.1:${this.#plain}`], retries: 5, retryDelay: 200 };
  }

  async #use<T>(body: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = new Admin({ ...this.#client(), requestTimeout: 5000, connectTimeout: 1000 });
    try {
      return await body(admin);
    } finally {
      await admin.close();
    }
  }

  async #format(): Promise<void> {
    const controller = freePort();
    const lines = {
      "process.roles": "broker,controller",
      "node.id": 1,
      "controller.quorum.voters": `1@127.0.0.1:${controller}`,
      listeners: `SASL://127.0.0.1:${this.port},PLAIN://127.0.0.1:${this.#plain},CONTROLLER://127.0.0.1:${controller}`,
      "listener.security.protocol.map": `SASL:${
        this.#tls ? "SASL_SSL" : "SASL_PLAINTEXT"
      },PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT`,
      "inter.broker.listener.name": "PLAIN",
      "controller.listener.names": "CONTROLLER",
      "sasl.enabled.mechanisms": "PLAIN",
      "listener.name.sasl.plain.sasl.jaas.config": "org.apache.kafka.common.security.plain.PlainLoginModule required " +
        `user_${USER}="${PASSWORD}";`,
      "log.dirs": `${this.dir}/data`,
      "offsets.topic.replication.factor": 1,
      "transaction.state.log.replication.factor": 1,
      "transaction.state.log.min.isr": 1,
      "transaction.state.log.num.partitions": 3,
      "offsets.topic.num.partitions": 1,
      "auto.create.topics.enable": false,
      "broker.session.timeout.ms": 3000,
      "broker.heartbeat.interval.ms": 500,
    };
    if (this.#tls) {
      const pem = await Promise.all([TLS_FILES.key, TLS_FILES.certificate].map((path) => Deno.readTextFile(path)));
      await Deno.writeTextFile(`${this.dir}/server.pem`, pem.join(""));
      Object.assign(lines, { "ssl.keystore.type": "PEM", "ssl.keystore.location": `${this.dir}/server.pem` });
    }
    const text = Object.entries(lines).map(([key, value]) => `${key}=${value}\n`).join("");
    await Deno.writeTextFile(`${this.dir}/server.properties`, text);
    const id = "MkU3OEVBNTcwNTJENDM2Qk";
    const args = [
      "-cp",
      `${LIBS}/*`,
      "kafka.tools.StorageTool",
      "format",
      "-t",
      id,
      "-c",
      `${this.dir}/server.properties`,
    ];
    const { success, stderr, stdout } = await new Deno.Command("java", { args }).output();
    if (!success) {
      throw new Error(`Cannot format Kafka: ${new TextDecoder().decode(stderr)}${new TextDecoder().decode(stdout)}`);
    }
  }
}
