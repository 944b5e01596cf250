import { zstdCompress } from "node:zlib";
import { COLLECTOR_NAME_CHARS_MAX, Failure, joinBytes, Secrets } from "../model/mod.ts";
import type { Clock, Compressor, Environment, Random, Signals, Terminal } from "./host.ts";
import { TextStream } from "./text_stream.ts";

/** Returns the process signals. Signals unknown to the platform (SIGHUP on Windows) are never raised. */
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

/** Calls back for uncaught errors and rejections, which then do not end the process. */
export function onUncaught(call: (error: unknown) => void): () => void {
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    call(event.error);
  };
  const onRejection = (event: PromiseRejectionEvent) => {
    event.preventDefault();
    call(event.reason);
  };
  addEventListener("error", onError);
  addEventListener("unhandledrejection", onRejection);
  return () => {
    removeEventListener("error", onError);
    removeEventListener("unhandledrejection", onRejection);
  };
}

/** Compression by the platform's own threads. */
export function systemCompressor(): Compressor {
  return {
    zstd: (bytes, params) =>
      new Promise((resolve, reject) => {
        zstdCompress(bytes, { params }, (error, compressed) => error === null ? resolve(compressed) : reject(error));
      }),
  };
}

/** Randomness for jitter and ids; not for secrets. */
export function systemRandom(): Random {
  return { next: () => Math.random(), uuid: () => crypto.randomUUID() };
}

/** Returns the environment variables. One that may not be read counts as unset, without a prompt for the permission. */
export function systemEnvironment(): Environment {
  return {
    get: (name) => {
      if (name === "" || /[=\0]/.test(name)) return undefined;
      const allowed = Deno.permissions.querySync({ name: "env", variable: name }).state === "granted";
      return allowed ? Deno.env.get(name) : undefined;
    },
  };
}

/**
 * Returns the name of this machine from its environment or files, with `-` for characters other than letters, digits,
 * `_`, `-` and `.`; `collector` if it is unknown. The system call would need another permission.
 */
export function machineName(): string {
  const environment = systemEnvironment();
  const name = environment.get("HOSTNAME") ?? environment.get("COMPUTERNAME") ?? nameFile() ?? "";
  const safe = name.trim().replace(/[^A-Za-z0-9_.-]/g, "-").slice(0, COLLECTOR_NAME_CHARS_MAX);
  return safe === "" ? "collector" : safe;
}

function nameFile(): string | null {
  const path = "/etc/hostname";
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return null;
  try {
    return Deno.readTextFileSync(path);
  } catch {
    // The system keeps its name elsewhere.
    return null;
  }
}

/** Columns if the terminal does not tell. */
const COLUMNS = 80;

/** Longest wait for a reader of standard error at the end of the program, in ms. */
const STDERR_FLUSH_MS_MAX = 1_000;

/**
 * Returns the standard streams, written in the background. Secrets are hidden in printed text; bytes of `writeStdout`
 * are data and stay unchanged.
 */
export function systemTerminal(
  clock: Clock,
  secrets: Secrets = new Secrets(),
): Terminal & { readonly flushNow: () => void } {
  const out = new TextStream(Deno.stdout, "standard output");
  const err = new TextStream(Deno.stderr, "standard error");
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
    stdin: () => Deno.stdin.readable,
    readStdin,
    ask: async (question) => {
      await out.write(new TextEncoder().encode(question));
      return await readLine();
    },
    writeStdout: (bytes) => out.write(bytes),
    print: (text) => out.print(secrets.hide(text)),
    printError: (text) => err.print(secrets.hide(text)),
    get errorLinesDropped() {
      return err.dropped;
    },
    flushNow: () => {
      out.flushNow(true);
      // An unread log must not delay the end.
      err.flushNow(false);
    },
    flushErrors: async () => {
      const over = new AbortController();
      await Promise.race([err.flush(), clock.sleep(STDERR_FLUSH_MS_MAX, over.signal)]);
      over.abort();
    },
    flushPrinted: async () => {
      await out.flush();
      // A reader that has gone, such as `head`, is no failure.
      if (out.failure?.code === "gone") return;
      if (out.failure !== null) throw out.failure;
      if (out.dropped === 0) return;
      const message = `Cannot write to standard output: its reader is too slow, ${out.dropped} lines were left out`;
      throw new Failure("file", message, { retry: false });
    },
  };
}

/** Longest line that is read from a person, in bytes. */
const LINE_BYTES_MAX = 4096;

/** Reads the next line of standard input without its line break; null at the end. */
async function readLine(): Promise<string | null> {
  const bytes: number[] = [];
  const one = new Uint8Array(1);
  while (bytes.length < LINE_BYTES_MAX) {
    const count = await Deno.stdin.read(one);
    if (count === null) return bytes.length === 0 ? null : new TextDecoder().decode(new Uint8Array(bytes));
    if (one[0] === 0x0a) break;
    bytes.push(one[0]);
  }
  return new TextDecoder().decode(new Uint8Array(bytes)).replace(/\r$/, "");
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
  return joinBytes(parts);
}
