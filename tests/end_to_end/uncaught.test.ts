import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { configText } from "../support/collector_config.ts";
import { freePort } from "../support/collector_process.ts";

const { files } = denoHost();
const PROGRAM = new URL("../support/uncaught_program.ts", import.meta.url).pathname;

Deno.test("an error of a connection that nobody caught costs nothing; a bug stops the program in order", async () => {
  const dir = await files.makeTempDir("uncaught");
  try {
    const config = `${dir}/collector.toml`;
    await Deno.writeTextFile(config, configText({ httpPort: freePort(), dataDir: `${dir}/data`, exchanges: "" }));
    const { code, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--no-prompt", "-A", PROGRAM, "run", "--config", config],
    }).output();
    const lines = new TextDecoder().decode(stderr).trim().split("\n").map((line) => JSON.parse(line));
    const told = lines.filter(({ event }) => ["uncaught_error", "stopping", "stopped"].includes(event));
    assert.deepEqual(told.map(({ event, error, ends }) => [event, error, ends]), [
      ["uncaught_error", "read ECONNRESET", false],
      ["uncaught_error", "write after end", false],
      ["uncaught_error", "nobody catches this", true],
      ["stopping", undefined, undefined],
      ["stopped", undefined, undefined],
    ]);
    assert.equal(code, 1);
  } finally {
    await files.removeTree(dir);
  }
});
