import assert from "node:assert/strict";
import { runCli } from "../support/captured_cli.ts";

async function has(program: string): Promise<boolean> {
  const { success } = await new Deno.Command("sh", { args: ["-c", `command -v ${program}`], stdout: "null" }).output();
  return success;
}

/** What bash offers behind words, the last one unfinished. */
async function offered(script: string, words: readonly string[]): Promise<readonly string[]> {
  const list = words.map((word) => `'${word}'`).join(" ");
  const run = `${script}\nCOMP_WORDS=(crypto-collector ${list}); COMP_CWORD=${words.length}; _crypto_collector\n` +
    'printf "%s\\n" "${COMPREPLY[@]}"';
  const { success, stdout, stderr } = await new Deno.Command("bash", { args: ["-c", run], cwd: "/" }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
}

const bash = await has("bash");

Deno.test({
  name: `completions of bash offer commands, their parts, options and files${bash ? "" : " (ignored: no bash)"}`,
  ignore: !bash,
  async fn() {
    const { out, code } = await runCli(["completions", "bash"]);
    assert.equal(code, 0);
    assert.deepEqual(await offered(out, ["rep"]), ["replay"]);
    assert.deepEqual((await offered(out, ["journal", ""])).filter((word) => ["ls", "cat", "verify"].includes(word)), [
      "ls",
      "cat",
      "verify",
    ]);
    assert.deepEqual(await offered(out, ["run", "--conf"]), ["--config"]);
    assert.ok((await offered(out, ["run", "--config", "us"])).includes("usr"), "files where a value is to be given");
    assert.ok(!(await offered(out, ["run", "--config", "-"])).includes("--for"));
  },
});

for (const shell of ["zsh", "fish"]) {
  const isHere = await has(shell);
  Deno.test({
    name: `completions of ${shell} are read by it${isHere ? "" : ` (ignored: no ${shell})`}`,
    ignore: !isHere,
    async fn() {
      const dir = await Deno.makeTempDir({ prefix: "collector-completions-" });
      try {
        await Deno.writeTextFile(`${dir}/script`, (await runCli(["completions", shell])).out);
        const { success, stderr } = await new Deno.Command(shell, { args: ["-n", `${dir}/script`] }).output();
        assert.ok(success, new TextDecoder().decode(stderr));
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}

Deno.test("completions of every shell know every command, and another shell is refused", async () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    const { out } = await runCli(["completions", shell]);
    for (const word of ["run", "emulate", "journal", "verify", "fail-fast", "completions"]) {
      assert.ok(out.includes(word), `${shell}: ${word}`);
    }
  }
  assert.equal((await runCli(["completions", "tcsh"])).code, 64);
});
