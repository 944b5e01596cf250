import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { startSimulator } from "../../src/simulator/mod.ts";
import { instanceOf, ServiceRig } from "../support/service_rig.ts";

const SERVERS = Deno.env.get("COLLECTOR_SERVERS") ??
  `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`}/crypto-collector/servers`;
const PACKAGES = `${SERVERS}/python_clients`;
const DOCUMENT = new URL("../../docs/api.md", import.meta.url);

const isMissing = await Deno.stat(PACKAGES).then(() => false, () => true);

Deno.test({
  name: "the Python of docs/api.md shows books and follows trades" +
    (isMissing ? " (ignored: no httpx and websockets, see .ci/servers)" : ""),
  ignore: isMissing,
  async fn() {
    const program = /```python\n([\s\S]*?)```/.exec(await Deno.readTextFile(DOCUMENT))?.[1] ?? "";
    assert.ok(program.includes("websockets.connect"), "the document has such a program");
    const symbols = ["BTC/USDT"];
    const simulator = await startSimulator({ host: denoHost(), dialect: "okx", port: 0, rate: 50, symbols });
    try {
      await using rig = await ServiceRig.start({
        config: instanceOf(simulator, { symbols, channels: ["trades", "book"] }),
      });
      await rig.untilLive("okx", 2);
      await rig.until(
        "its book is valid",
        async () => (await rig.get("/api/v1/books")).text.includes('"state":"valid"'),
      );
      const python = new Deno.Command("python3", {
        args: ["-u", "-c", program.replaceAll("127.0.0.1:8090", new URL(rig.address).host)],
        env: { PYTHONPATH: PACKAGES },
        stdin: "null",
        stdout: "piped",
        stderr: "inherit",
      }).spawn();
      let said = "";
      for await (const text of python.stdout.pipeThrough(new TextDecoderStream())) {
        said += text;
        if (said.includes("'kind': 'trade'")) break;
      }
      if (said.includes("'kind': 'trade'")) python.kill("SIGKILL");
      await python.status;
      assert.match(said, /^okx BTC\/USDT valid \[\['[\d.]+', '[\d.]+'\]\]/);
      assert.match(said, /'kind': 'trade'/);
    } finally {
      await simulator.stop();
    }
  },
});
