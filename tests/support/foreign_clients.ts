/** How long a package may take to come, in ms, before tests go on without it. */
const FETCH_MS = 30_000;

/**
 * Whether npm packages can be had here, from the cache or the registry. They are a dependency of nothing: the programs that
 * use them run without this project's configuration and lock file.
 */
export async function havePackages(...packages: readonly string[]): Promise<boolean> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), FETCH_MS);
  try {
    const code = packages.map((name) => `await import(${JSON.stringify(name)});`).join("");
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-config", "--no-lock", `${code} Deno.exit(0)`],
      cwd: await Deno.realPath("/tmp").catch(() => undefined),
      signal: abort.signal,
      stdout: "null",
      stderr: "null",
    }).output();
    return success;
  } finally {
    clearTimeout(timer);
  }
}

/** Runs a program of its own and returns the JSON lines that it printed. Rejects with its errors where it fails. */
export async function runForeign(script: URL, args: readonly string[]): Promise<readonly Record<string, unknown>[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-config", "--no-lock", "--no-check", "--no-prompt", "-A", script.href, ...args],
    stdout: "piped",
    stderr: "piped",
  }).output();
  const text = new TextDecoder().decode(stdout);
  if (!success) throw new Error(new TextDecoder().decode(stderr) + text);
  return text.split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
}
