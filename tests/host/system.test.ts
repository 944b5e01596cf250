import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { denoHost } from "../../src/host/mod.ts";

const MODULE = new URL("../../src/host/mod.ts", import.meta.url).href;
/** What loading `ws` reads; nothing else is allowed to the programs run here. */
const LEAST = ["--no-prompt", "--allow-env=WS_NO_BUFFER_UTIL,WS_NO_UTF_8_VALIDATE"];
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Runs a program text with the permissions given; standard input is closed unless it is piped. */
function run(code: string, permissions: readonly string[], stdin: "null" | "piped" = "null"): Deno.ChildProcess {
  const script = Deno.makeTempFileSync({ suffix: ".ts" });
  Deno.writeTextFileSync(
    script,
    `import { denoHost } from ${JSON.stringify(MODULE)};\nconst host = denoHost();\n${code}`,
  );
  return new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-check", "--config", `${ROOT}deno.json`, ...permissions, script],
    stdin,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

Deno.test("denoHost() loads and answers for the environment without permission for it", async () => {
  const child = run(
    `host.terminal.print(String(host.environment.get("HOME")) + " " + host.environment.get("A=B") + " " + host.environment.get(""));`,
    LEAST,
  );
  const { code, stdout, stderr } = await child.output();
  assert.equal(new TextDecoder().decode(stderr), "");
  assert.deepEqual([code, new TextDecoder().decode(stdout)], [0, "undefined undefined undefined\n"]);
});

Deno.test("Environment.get() tells set variables and undefined for others", () => {
  const { environment } = denoHost();
  Deno.env.set("HOST_TEST_VALUE", "7");
  assert.equal(environment.get("HOST_TEST_VALUE"), "7");
  Deno.env.delete("HOST_TEST_VALUE");
  assert.equal(environment.get("HOST_TEST_VALUE"), undefined);
});

Deno.test("Signals.on() is called for a signal and off() gives the default back", {
  ignore: Deno.build.os === "windows",
}, async () => {
  const child = run(
    `const stop = () => { host.terminal.print("stopped"); host.signals.off("SIGTERM", stop); host.exit(3); };
       host.signals.on("SIGTERM", stop);
       host.clock.after(60000, () => host.exit(1));
       host.terminal.print("ready");`,
    LEAST,
  );
  const reader = child.stdout.getReader();
  let output = "";
  while (!output.includes("ready")) {
    const { value, done } = await reader.read();
    assert.ok(!done, "ended before it was ready");
    output += new TextDecoder().decode(value);
  }
  child.kill("SIGTERM");
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    output += new TextDecoder().decode(part.value);
  }
  await child.stderr.cancel();
  assert.deepEqual([output, (await child.status).code], ["ready\nstopped\n", 3]);
});

Deno.test("Terminal.writeStdout() writes all bytes and print() lines after them", async () => {
  const child = run(
    `await host.terminal.writeStdout(new Uint8Array(300000).fill(97)); host.terminal.print("é"); host.terminal.printError("e");`,
    LEAST,
  );
  const { stdout, stderr } = await child.output();
  assert.equal(new TextDecoder().decode(stdout), "a".repeat(300_000) + "é\n");
  assert.equal(new TextDecoder().decode(stderr), "e\n");
});

Deno.test("Terminal.readStdin() gives all bytes, and refuses more than are wanted", async () => {
  for (const [max, expected] of [[300_000, "300000\n"], [299_999, "Failure file\n"]] as const) {
    const child = run(
      `await host.terminal.readStdin(${max}).then((bytes) => host.terminal.print(String(bytes.length)),
        (error) => host.terminal.print(error.name + " " + error.code));`,
      LEAST,
      "piped",
    );
    const writer = child.stdin.getWriter();
    await writer.write(new Uint8Array(300_000).fill(97));
    await writer.close();
    const { stdout } = await child.output();
    assert.equal(new TextDecoder().decode(stdout), expected);
  }
});

Deno.test(
  "write() fails with disk_full when there is no space left",
  { ignore: Deno.build.os !== "linux" },
  async () => {
    const child = run(
      `const full = await host.files.open("/dev/full", "append");
     await full.write(new Uint8Array(1)).catch((error) => host.terminal.print(error.name + " " + error.code));`,
      ["--allow-all"],
    );
    const { stdout, stderr } = await child.output();
    assert.equal(new TextDecoder().decode(stderr), "");
    assert.equal(new TextDecoder().decode(stdout), "Failure disk_full\n");
  },
);

Deno.test("Random.next() stays within [0, 1) and uuid() is a version 4 UUID", () => {
  const { random } = denoHost();
  for (let i = 0; i < 1000; i++) {
    const value = random.next();
    assert.ok(value >= 0 && value < 1);
  }
  assert.match(random.uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

Deno.test("Terminal.columns() is a positive number on any stream", () => {
  assert.ok(denoHost().terminal.columns() > 0);
});
