import assert from "node:assert/strict";
import { Command } from "commander";
import { EXIT } from "../../src/cli/context.ts";
import { UsageError } from "../../src/service/mod.ts";
import { simulateCommand } from "../../src/cli/simulate.ts";
import { denoHost, type Host } from "../../src/host/mod.ts";
import { dialClient } from "../support/simulator_rig.ts";

/** Runs the command; `use` gets each printed line until it returns true, and then the command is told to stop. */
async function simulate(args: readonly string[], use: (line: string) => Promise<boolean> | boolean): Promise<string[]> {
  const printed: string[] = [];
  let interrupt: () => void = () => {};
  let ended: number | null = null;
  const real = denoHost();
  const host: Host = {
    ...real,
    signals: { on: (_, call) => interrupt = call, off: () => {} },
    terminal: {
      ...real.terminal,
      print: (line) => {
        printed.push(line);
        Promise.resolve(use(line)).then((done) => done && interrupt());
      },
    },
  };
  const command = simulateCommand({ host, version: "0", shippedDir: "", finish: (code) => ended = code });
  await new Command().addCommand(command.exitOverride()).parseAsync(["simulate", ...args], { from: "user" });
  assert.equal(ended, EXIT.fine);
  return printed;
}

Deno.test("simulate prints its URLs, serves them and counts at the end", async () => {
  const printed = await simulate(["--dialect", "kraken", "--symbols", "BTC/USD", "--json"], async (line) => {
    const { ws } = JSON.parse(line);
    if (ws === undefined) return false;
    const client = await dialClient(denoHost(), ws.public);
    await client.log.nth("frame");
    return true;
  });
  assert.equal(JSON.parse(printed[1]).connectionsOpened, 1);
  assert.equal(JSON.parse(printed[1]).controlFrames, 1);
});

Deno.test({
  name: "simulate plays back a recording that comes through a pipe, as often as it is connected to",
  ignore: Deno.build.os === "windows",
  async fn() {
    const dir = await Deno.makeTempDir({ prefix: "collector-simulate-" });
    try {
      const path = `${dir}/pipe`;
      assert.ok((await new Deno.Command("mkfifo", { args: [path] }).output()).success);
      const lines = [
        { t: 1, dir: "open", url: "wss://stream.example/ws" },
        { t: 2, dir: "in", data: '{"n":1}' },
      ];
      const writing = Deno.writeTextFile(path, lines.map((line) => JSON.stringify(line)).join("\n"));
      const printed = await simulate(["--recording", path, "--repeat", "--json"], async (line) => {
        const { ws } = JSON.parse(line);
        if (ws === undefined) return false;
        for (let i = 0; i < 2; i++) {
          const client = await dialClient(denoHost(), Object.values<string>(ws)[0]);
          await client.log.nth("frame");
        }
        return true;
      });
      await writing;
      assert.equal(JSON.parse(printed[1]).connectionsOpened, 2);
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});

Deno.test("simulate refuses options it cannot read, by name", async () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [["--dialect", "nowhere"], /Unknown dialect nowhere/],
    [["--gap-every", "often"], /--gap-every often/],
    [["--port", "70000"], /--port 70000/],
    [["--symbols", "BTCUSDT"], /Cannot simulate BTCUSDT/],
  ];
  for (const [args, pattern] of cases) {
    await assert.rejects(
      simulate(args, () => true),
      (error) => error instanceof UsageError && pattern.test(error.message),
    );
  }
});
