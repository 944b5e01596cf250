import { Failure, Secrets } from "../model/mod.ts";
import { fileFailure } from "./file_failure.ts";
import type { Environment, Random, Signals, Terminal } from "./host.ts";

/** Process signals. Signals that the platform does not know (SIGHUP on Windows) are never raised. */
export function systemSignals(): Signals {
  const isKnown = (signal: string) => Deno.build.os !== "windows" || signal === "SIGINT";
  return {
    on: (signal, call) => {
      if (isKnown(signal)) Deno.addSignalListener(signal, call);
    },
    off: (signal, call) => {
      if (isKnown(signal)) Deno.removeSignalListener(signal, call);
    },
  };
}

/** Randomness for jitter and ids; not for secrets. */
export function systemRandom(): Random {
  return { next: () => Math.random(), uuid: () => crypto.randomUUID() };
}

/** Environment variables; one that may not be read counts as unset, and nobody is asked for the permission. */
export function systemEnvironment(): Environment {
  return {
    get: (name) => {
      if (name === "" || /[=\0]/.test(name)) return undefined;
      const allowed = Deno.permissions.querySync({ name: "env", variable: name }).state === "granted";
      return allowed ? Deno.env.get(name) : undefined;
    },
  };
}

/** Columns where the terminal does not tell. */
const COLUMNS = 80;

/** Standard streams. What is printed shows no secret; what is written to standard output is data and stays as it is. */
export function systemTerminal(secrets: Secrets = new Secrets()): Terminal {
  return {
    stdinIsTerminal: Deno.stdin.isTerminal(),
    stdoutIsTerminal: Deno.stdout.isTerminal(),
    stderrIsTerminal: Deno.stderr.isTerminal(),
    columns: () => {
      if (Deno.stdout.isTerminal() || Deno.stderr.isTerminal()) {
        try {
          return Deno.consoleSize().columns || COLUMNS;
        } catch {
          return COLUMNS; // Neither stream nor standard input has a size: nothing is wrong with that.
        }
      }
      return COLUMNS;
    },
    readStdin,
    writeStdout: async (bytes) => {
      try {
        for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
      } catch (cause) {
        if (!(cause instanceof Deno.errors.BrokenPipe)) throw fileFailure("write", "standard output", cause);
        throw new Failure("gone", "Cannot write to standard output: its reader has gone", { cause, retry: false });
      }
    },
    print: (text) => writeSync(Deno.stdout, `${secrets.hide(text)}\n`),
    printError: (text) => writeSync(Deno.stderr, `${secrets.hide(text)}\n`),
  };
}

async function readStdin(bytesMax: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of Deno.stdin.readable) {
    parts.push(part);
    length += part.length;
    if (length > bytesMax) {
      throw new Failure("file", `Cannot read standard input: it is larger than ${bytesMax} bytes`, { retry: false });
    }
  }
  const all = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Text for a reader that has gone away is lost on purpose: there is nobody left to tell. */
function writeSync(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
  } catch (cause) {
    if (cause instanceof Deno.errors.BrokenPipe) return;
    if (cause instanceof Deno.errors.WouldBlock) return;
    throw cause;
  }
}
