/** Servers that sinks are tested against: each started by a test on a free port in a folder of its own. */
import { fileURLToPath } from "node:url";
import { freePort } from "./collector_process.ts";
export { freePort };

/** Where `.ci/servers` installs what the package registries give. */
export const SERVERS_DIR = Deno.env.get("COLLECTOR_SERVERS") ??
  `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`}/crypto-collector/servers`;

/** Whether a file or folder is there. */
export function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Resolves when the server answers; called over and over until it does. */
  readonly ready: () => Promise<void>;
  readonly readyMs?: number;
}

/** A server as a process that a test may kill, stop and start again with the same command. */
export class ServerProcess {
  readonly #command: ServerCommand;
  #child: Deno.ChildProcess | null = null;
  #output: Promise<string> = Promise.resolve("");

  constructor(command: ServerCommand) {
    this.#command = command;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Starts and waits until it answers. */
  async start(): Promise<void> {
    const { command, args, env, cwd, ready, readyMs = 180_000 } = this.#command;
    const child = new Deno.Command(command, {
      args: [...args],
      ...(env === undefined ? {} : { env: { ...env } }),
      ...(cwd === undefined ? {} : { cwd }),
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#child = child;
    this.#output = Promise.all([tailOf(child.stdout), tailOf(child.stderr)]).then((texts) => texts.join("\n"));
    let ended = false;
    child.status.then(() => ended = true);
    for (const until = Date.now() + readyMs;;) {
      try {
        return await ready();
      } catch (error) {
        if (!ended && Date.now() < until) {
          await new Promise((resolve) => setTimeout(resolve, 50));
          continue;
        }
        await this.kill();
        throw new Error(`${command} does not answer: ${error}\n${await this.#output}`);
      }
    }
  }

  /** Ends it at once, as a power cut would. */
  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null) return;
    signal(child, "SIGCONT");
    signal(child, "SIGKILL");
    await child.status;
    await this.#output;
  }

  /** Lets it hang: it holds its connections and says nothing. */
  suspend(): void {
    if (this.#child !== null) signal(this.#child, "SIGSTOP");
  }

  resume(): void {
    if (this.#child !== null) signal(this.#child, "SIGCONT");
  }
}

/** A server in a folder of its own, which goes with it. */
export abstract class TestServer {
  protected readonly dir: string;
  readonly #process: ServerProcess;

  protected constructor(dir: string, command: Omit<ServerCommand, "ready">) {
    this.dir = dir;
    this.#process = new ServerProcess({ ...command, ready: () => this.answers() });
  }

  /** Resolves when the server answers. */
  protected abstract answers(): Promise<void>;

  protected get pid(): number | null {
    return this.#process.pid;
  }

  /** Starts it, again with the same port and folder, and waits until it answers. */
  start(): Promise<void> {
    return this.#process.start();
  }

  /** Ends it at once, as a power cut would. */
  kill(): Promise<void> {
    return this.#process.kill();
  }

  /** Lets it hang: it holds its connections and says nothing. */
  suspend(): void | Promise<void> {
    this.#process.suspend();
  }

  resume(): void | Promise<void> {
    this.#process.resume();
  }

  /** Ends it and removes its folder. */
  async stop(): Promise<void> {
    await this.kill();
    await Deno.remove(this.dir, { recursive: true });
  }
}

/** Files of a certificate for `localhost` and 127.0.0.1, its key, and the authority that signed it. */
export const TLS_FILES = {
  ca: tlsFile("ca.pem"),
  /** Another authority, which has signed nothing here. */
  other: tlsFile("other_ca.pem"),
  certificate: tlsFile("server.pem"),
  key: tlsFile("server_key.pem"),
};

function tlsFile(name: string): string {
  return fileURLToPath(new URL(`../host/fixtures/${name}`, import.meta.url));
}

function signal(child: Deno.ChildProcess, name: Deno.Signal): void {
  try {
    child.kill(name);
  } catch {
    // It has ended by itself.
  }
}

/** The last 4,000 characters of a stream. */
async function tailOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  let tail = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) tail = (tail + text).slice(-4000);
  return tail;
}
