import assert from "node:assert/strict";
import { LineLog } from "./line_log.ts";

const MAIN = new URL("../../main.ts", import.meta.url).pathname;
const PERMISSIONS = ["--no-prompt", "--allow-net", "--allow-read", "--allow-write", "--allow-env"];

/** A process that says nothing for so long hangs; in ms. */
const DEADLINE_MS = 120_000;
/** Between two looks at a condition, in ms. */
const LOOK_MS = 10;

/** How a process ended, and what it wrote. */
export interface ProcessEnd {
  /** Null where a signal ended it. */
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

/** The program in a process of its own. */
export class CollectorProcess {
  readonly #child: Deno.ChildProcess;
  readonly #out: LineLog;
  readonly #err: LineLog;
  #hasEnded = false;

  /** Starts `main.ts` with arguments. */
  constructor(args: readonly string[], options: { readonly cwd?: string } = {}) {
    this.#child = new Deno.Command(Deno.execPath(), {
      args: ["run", ...PERMISSIONS, MAIN, ...args],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      cwd: options.cwd,
    }).spawn();
    this.#out = new LineLog(this.#child.stdout);
    this.#err = new LineLog(this.#child.stderr);
    void this.#child.status.then(() => {
      this.#hasEnded = true;
    });
  }

  get pid(): number {
    return this.#child.pid;
  }

  /** Resolves with the first line of standard error that matches; rejects where none comes or the process ends. */
  async untilLog(pattern: RegExp): Promise<string> {
    const deadline = Promise.withResolvers<null>();
    const timer = setTimeout(() => deadline.resolve(null), DEADLINE_MS);
    const line = await Promise.race([this.#err.find(pattern), deadline.promise]);
    clearTimeout(timer);
    if (line !== null) return line;
    const written = this.#err.text;
    this.#killQuietly();
    return assert.fail(`No line like ${pattern} came:\n${written}`);
  }

  /** Looks again and again until a condition holds; rejects where the process ends before, or it takes too long. */
  async until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + DEADLINE_MS;
    while (!await holds()) {
      if (!this.#hasEnded && performance.now() < deadline) {
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
        continue;
      }
      const why = this.#hasEnded ? "The process ended" : "It took too long";
      const written = this.#err.text;
      this.#killQuietly();
      assert.fail(`${why} before ${what}:\n${written}`);
    }
  }

  /** Stops reading the process's standard output, until `resumeOutput`. */
  stallOutput(): void {
    this.#out.stall();
  }

  resumeOutput(): void {
    this.#out.resume();
  }

  /** Sends a signal; a process that has ended by itself gets none, which `end` then shows. */
  kill(signal: Deno.Signal): void {
    if (!this.#hasEnded) this.#child.kill(signal);
  }

  /** Makes sure that nothing is left of it, for the end of a test. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#killQuietly();
    await this.end();
  }

  #killQuietly(): void {
    try {
      this.#child.kill("SIGKILL");
    } catch (error) {
      // It has ended already.
      if (!(error instanceof TypeError)) throw error;
    }
  }

  /** Resolves when the process has ended and all its output was read. */
  async end(): Promise<ProcessEnd> {
    const { code, signal } = await this.#child.status;
    await Promise.all([this.#out.done, this.#err.done]);
    return { code: signal === null ? code : null, signal, out: this.#out.text, err: this.#err.text };
  }
}

/** Runs the program to its end. */
export function runProgram(args: readonly string[], options: { readonly cwd?: string } = {}): Promise<ProcessEnd> {
  return new CollectorProcess(args, options).end();
}

/** Ports that were given out: a server may take long until it listens on its own. */
const given = new Set<number>();

/** A port that nobody listens on, below those that the system gives to connections, so that none of them takes it. */
export function freePort(): number {
  for (;;) {
    const port = 12_000 + Math.floor(Math.random() * 18_000);
    if (given.has(port)) continue;
    try {
      Deno.listen({ hostname: "127.0.0.1", port }).close();
    } catch (error) {
      if (error instanceof Deno.errors.AddrInUse) continue;
      throw error;
    }
    given.add(port);
    return port;
  }
}
