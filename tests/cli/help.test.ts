import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };
import { runCli } from "../support/captured_cli.ts";

/** Every command, as the help of the program lists them; those that have commands of their own too. */
const COMMANDS = await commandsOf([]);

async function commandsOf(path: readonly string[]): Promise<readonly (readonly string[])[]> {
  const { out } = await runCli([...path, "--help"], { columns: 200 });
  const list = /^Commands:\n((?: {2}.*\n?)+)/m.exec(out)?.[1] ?? "";
  const names = [...list.matchAll(/^ {2}([a-z]+)/gm)].map(([, name]) => name).filter((name) => name !== "help");
  const below = await Promise.all(names.map((name) => commandsOf([...path, name])));
  return names.flatMap((name, at) => [[...path, name], ...below[at]]);
}

Deno.test("help lists the commands, those of commands too", () => {
  const shown = COMMANDS.map((path) => path.join(" "));
  for (const command of ["run", "merge", "export", "journal", "journal verify", "config diff"]) {
    assert.ok(shown.includes(command), `${command}: ${shown}`);
  }
});

Deno.test("help fits the terminal and breaks lines between words alone", async () => {
  const words = new Set((await runCli(["--help"], { columns: 1_000 })).out.split(/\s+/));
  for (const columns of [60, 80, 120]) {
    const { out } = await runCli(["--help"], { columns });
    for (const line of out.split("\n")) assert.ok(line.length <= columns, `${columns}: ${line}`);
    for (const word of out.split(/\s+/)) assert.ok(words.has(word), `${columns}: ${word} is half a word`);
    for (const command of COMMANDS) {
      const { out } = await runCli([...command, "--help"], { columns });
      const text = out.slice(0, out.indexOf("\nExample"));
      for (const line of text.split("\n").filter((line) => !line.startsWith("Usage:"))) {
        assert.ok(line.length <= columns, `${columns} ${command}: ${line}`);
      }
    }
  }
});

Deno.test("help of every command has examples, and in a checkout they are tasks that exist", async () => {
  for (const command of COMMANDS) {
    const { out } = await runCli([...command, "--help"]);
    const examples = [...out.matchAll(/^ {2}deno task ([\w-]+)/gm)].map(([, task]) => task);
    assert.ok(examples.length > 0, `${command}: ${out}`);
    for (const task of examples) assert.ok(task in manifest.tasks, task);
  }
});
