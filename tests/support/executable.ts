import assert from "node:assert/strict";
import manifest from "../../deno.json" with { type: "json" };

const ROOT = new URL("../../", import.meta.url).pathname;

/** What is compiled with: a base binary and the Deno that writes its format. */
export interface CompileTools {
  readonly base: string;
  /** Command and leading arguments. */
  readonly deno: readonly string[];
}

/**
 * The tools that the environment names by `DENORT_BIN` and `DENO_COMPILE`; null where it does not: no base
 * to compile with can be had from a package registry.
 */
export function compileTools(): CompileTools | null {
  const base = Deno.env.get("DENORT_BIN");
  const deno = Deno.env.get("DENO_COMPILE");
  if (base !== undefined && deno !== undefined) return { base, deno: deno.split(" ") };
  return null;
}

/** Flags of the `compile` task without its output and entry point. */
export function compileFlags(): readonly string[] {
  const words = manifest.tasks.compile.split(" ");
  const begin = words.indexOf("compile") + 1;
  const output = words.indexOf("--output");
  assert.ok(begin > 0 && output > begin, `The compile task names flags and an output: ${manifest.tasks.compile}`);
  return words.slice(begin, output);
}

/** Compiles the program as the task does; the type checker has its own place in the gate. */
export async function compileProgram(tools: CompileTools, path: string): Promise<void> {
  const [command, ...leading] = tools.deno;
  const { code, stderr } = await new Deno.Command(command, {
    args: [...leading, "compile", "--quiet", "--no-check", "--frozen", ...compileFlags(), "--output", path, "main.ts"],
    cwd: ROOT,
    // A dependency's literal types overflow the compiler's usual stack.
    env: { DENORT_BIN: tools.base, RUST_MIN_STACK: "67108864" },
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
}

/** How long one run may take, in ms, before it counts as hung and is killed. */
const HUNG_MS = 240_000;

/** How a run of the executable ended. */
export interface ExecutableEnd {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Starts the executable in a folder, with nothing in its environment but a PATH that leads nowhere. */
export function startExecutable(path: string, args: readonly string[], cwd: string): Deno.ChildProcess {
  return new Deno.Command(path, {
    args: [...args],
    cwd,
    clearEnv: true,
    signal: AbortSignal.timeout(HUNG_MS),
    env: { PATH: "/nonexistent" },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
}

/** Waits for the end and everything written. */
export async function endOf(child: Deno.ChildProcess): Promise<ExecutableEnd> {
  const { code, stdout, stderr } = await child.output();
  return { code, out: new TextDecoder().decode(stdout), err: new TextDecoder().decode(stderr) };
}

/** Runs the executable to its end. */
export function runExecutable(path: string, args: readonly string[], cwd: string): Promise<ExecutableEnd> {
  return endOf(startExecutable(path, args, cwd));
}
