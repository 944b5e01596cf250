import { KAFKA_ABSENT, KafkaServer } from "../support/kafka_server.ts";
import { testBrokerSink } from "./broker_conformance.ts";

testBrokerSink<KafkaServer>({
  type: "kafka",
  absent: KAFKA_ABSENT,
  startServer: () => KafkaServer.start(),
  keys: (server, prefix) => ({
    url: server.url(),
    sasl_mechanism: "PLAIN",
    topic: `${prefix}.{kind}`,
    position_topic: `${prefix}.offsets`,
    partitions: 1,
  }),
  read: (server, prefix) => server.read(prefix),
  purge: (server, prefix) => server.purge(prefix),
  tradeName: (prefix) => `${prefix}.trade`,
  wrongLogin: (server) => ({ url: server.url("wrong-secret") }),
  secret: "wrong-secret",
  fences: true,
  largeBook: 40_000,
  runs: 2,
});
