import { cli } from "../../src/cli/mod.ts";
import { denoHost, type Host } from "../../src/host/mod.ts";

/** What a command wrote, and how it ended. */
export interface CliOutcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs one command in this process on the real host, with its output kept instead of shown. */
export async function runCli(
  args: readonly string[],
  options: {
    readonly variables?: Readonly<Record<string, string>>;
    readonly columns?: number;
    readonly stdin?: string;
    readonly isTerminal?: boolean;
    /** What is typed, line by line; standard input is a terminal then. */
    readonly answers?: readonly string[];
    /** When it resolves, Ctrl-C is pressed. */
    readonly interrupted?: Promise<unknown>;
  } = {},
): Promise<CliOutcome> {
  const real = denoHost();
  const decoder = new TextDecoder();
  let out = "";
  let err = "";
  const answers = [...(options.answers ?? [])];
  const host: Host = {
    ...real,
    signals: options.interrupted === undefined ? real.signals : {
      on: (signal, call) => {
        if (signal === "SIGINT") void options.interrupted?.then(call);
      },
      off: () => {},
    },
    environment: { get: (name) => options.variables?.[name] ?? real.environment.get(name) },
    terminal: {
      stdinIsTerminal: options.answers !== undefined,
      errorLinesDropped: 0,
      flushErrors: () => Promise.resolve(),
      flushPrinted: () => Promise.resolve(),
      stdoutIsTerminal: options.isTerminal ?? false,
      stderrIsTerminal: false,
      columns: () => options.columns ?? 120,
      ask: (question) => {
        out += question;
        return Promise.resolve(answers.shift() ?? null);
      },
      stdin: async function* () {
        yield new TextEncoder().encode(options.stdin ?? "");
      },
      readStdin: () => Promise.resolve(new TextEncoder().encode(options.stdin ?? "")),
      writeStdout: (bytes) => {
        out += decoder.decode(bytes);
        return Promise.resolve();
      },
      print: (text) => {
        out += `${text}\n`;
      },
      printError: (text) => {
        err += `${text}\n`;
      },
    },
  };
  const code = await cli(args, host);
  return { code, out, err };
}
