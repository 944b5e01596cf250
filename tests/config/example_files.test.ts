import assert from "node:assert/strict";
import { runCli } from "../support/captured_cli.ts";

const DIR = new URL("../../config/examples", import.meta.url).pathname;

/** Values of the variables whose text has to have a form. */
const VALUES: Readonly<Record<string, string>> = {
  PG_URL: "postgres://collector:secret@localhost:5432/market",
  NATS_URL: "nats://collector:secret@localhost:4222",
  REDIS_URL: "redis://:secret@localhost:6379",
  KAFKA_URL: "kafka://collector:secret@localhost:9092",
  QUESTDB_URL: "http://localhost:9000",
  CLICKHOUSE_URL: "http://collector:secret@localhost:8123",
};

for (const { name } of [...Deno.readDirSync(DIR)].sort((a, b) => a.name < b.name ? -1 : 1)) {
  Deno.test(`validate finds nothing to say about config/examples/${name}`, async () => {
    const text = await Deno.readTextFile(`${DIR}/${name}`);
    const names = [...text.matchAll(/\$\{([A-Z0-9_]+)\}/g)].map(([, variable]) => variable);
    const variables = Object.fromEntries(names.map((variable) => [variable, VALUES[variable] ?? "some-value"]));
    const { code, out, err } = await runCli(["validate", "--config", `${DIR}/${name}`], { variables });
    assert.equal(code, 0, `${out}\n${err}`);
    assert.ok(!/warning|error/.test(`${out}${err}`), `${out}\n${err}`);
  });
}
