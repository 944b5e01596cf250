import { Command } from "commander";
import { explainFrame, type ExplainInput, type FrameExplanation, renderExplanation } from "../explain/mod.ts";
import { FRAME_BYTES_MAX, type FramePlan } from "../model/mod.ts";
import { loadDescriptorNamed, UsageError } from "../service/mod.ts";
import { type CliContext, EXIT, printIssues, wantsColor } from "./context.ts";

interface ExplainOptions {
  readonly connection?: string;
  readonly http?: string;
  readonly native?: string;
  readonly before?: string;
  readonly base64?: boolean;
  readonly all?: boolean;
  readonly json?: boolean;
}

/** `explain`: shows every step from one frame to its events. */
export function explainCommand(context: CliContext): Command {
  return new Command("explain")
    .description(
      "Show how a descriptor turns one frame into events: which rules match, why others do not, and every value",
    )
    .argument("<descriptor>", "path of a descriptor, or the name of a shipped one")
    .argument("<frame>", "the frame's text, @FILE, or - for standard input")
    .option("--connection <id>", "connection of the frame (default: the first on which a rule matches)")
    .option("--http <request>", "the frame is an answer to this REST request")
    .option("--native <symbol>", "native symbol of the REST request", "")
    .option(
      "--before <file>",
      "earlier frames of the session, one per line, such as acknowledgements that later frames need",
    )
    .option("--base64", "the frame is binary, given in base64")
    .option("--all", "show rules of other connections and sources too")
    .option("--json", "print every step as JSON")
    .action(async (descriptor: string, frame: string, options: ExplainOptions) => {
      const { host, finish } = context;
      const loaded = loadDescriptorNamed(context, descriptor);
      if (loaded.frames === null) {
        printIssues(context, loaded.issues, (text) => host.terminal.printError(text));
        return finish(EXIT.configuration);
      }
      const payload = readPayload(await readArgument(context, frame), options.base64 === true);
      const before = options.before === undefined ? [] : await readLines(context, options.before);
      const origin = chooseOrigin(loaded.frames, { payload, before, options });
      const explanation = explainFrame(loaded.frames, { origin, payload, before });
      const { result } = explanation;
      finish(result.rule === null || result.faults.length > 0 ? EXIT.failed : EXIT.fine);
      if (options.json === true) {
        host.terminal.print(JSON.stringify({ descriptor: loaded.name, origin, ...explanation }, null, 2));
        return;
      }
      const color = wantsColor(host, "stdout");
      host.terminal.print(renderExplanation(explanation, { origin, color, all: options.all === true }));
    });
}

async function readArgument(context: CliContext, argument: string): Promise<Uint8Array> {
  const { host } = context;
  if (argument === "-") return await host.terminal.readStdin(FRAME_BYTES_MAX * 2);
  if (!argument.startsWith("@")) return new TextEncoder().encode(argument);
  const bytes = await host.files.readBytes(argument.slice(1));
  if (bytes === null) throw new UsageError(`Cannot open ${argument.slice(1)}: no such file`);
  return bytes;
}

/** Returns the frame's bytes, without the line break at the end of a file. */
function readPayload(bytes: Uint8Array, isBase64: boolean): Uint8Array {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 10 || bytes[end - 1] === 13)) end--;
  const payload = bytes.subarray(0, end);
  if (!isBase64) return payload;
  try {
    return Uint8Array.fromBase64(new TextDecoder().decode(payload));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new UsageError("The frame is not base64");
  }
}

async function readLines(context: CliContext, path: string): Promise<readonly Uint8Array[]> {
  const text = await context.host.files.readText(path);
  if (text === null) throw new UsageError(`Cannot open ${path}: no such file`);
  return text.split(/\r?\n/).filter((line) => line !== "").map((line) => new TextEncoder().encode(line));
}

/** Returns the origin of the frame: as the options say, else the first connection on which a rule matches. */
function chooseOrigin(
  plan: FramePlan,
  { payload, before, options }: {
    readonly payload: Uint8Array;
    readonly before: readonly Uint8Array[];
    readonly options: ExplainOptions;
  },
): ExplainInput["origin"] {
  if (options.http !== undefined) {
    const known = new Set(plan.events.map(({ source }) => source).filter((source) => source !== "ws"));
    if (!known.has(options.http)) throw new UsageError(`No request ${options.http}: ${listed(known, "requests")}`);
    return { kind: "http", request: options.http, native: options.native ?? "" };
  }
  const ids = plan.connections.map(({ id }) => id);
  const origins = ids.map((connectionId) => ({
    kind: "ws" as const,
    connectionId,
    binary: options.base64 === true,
  }));
  if (options.connection !== undefined) {
    const named = origins.find(({ connectionId }) => connectionId === options.connection);
    if (named === undefined) throw new UsageError(`No connection ${options.connection}: ${listed(ids, "connections")}`);
    return named;
  }
  const matches = (explanation: FrameExplanation) => explanation.result.rule !== null;
  const found = origins.find((origin) => matches(explainFrame(plan, { origin, payload, before }))) ?? origins[0];
  if (found === undefined) throw new UsageError("The descriptor has no connection");
  return found;
}

function listed(names: Iterable<string>, what: string): string {
  const all = [...names];
  return all.length === 0 ? `the descriptor has no ${what}` : `the descriptor has ${all.join(", ")}`;
}
