import type { Command } from "commander";
import { UsageError } from "../service/mod.ts";
import { type FaultPlan, type FaultTrigger, NO_FAULTS, parseFaultTrigger } from "../simulator/mod.ts";

/** Options for faults of a local exchange, unparsed. */
export interface FaultOptions {
  readonly disconnectEvery?: string;
  readonly gapEvery?: string;
  readonly duplicateEvery?: string;
  readonly garbageEvery?: string;
  readonly silenceAfter?: string;
  readonly rejectSubscription: readonly string[];
  readonly slowAck: string;
  readonly ignorePings: boolean;
}

/** Adds the options of faults to a command. */
export function addFaultOptions(command: Command): Command {
  const collect = (value: string, before: readonly string[]) => [...before, value];
  return command
    .option("--disconnect-every <n|time>", "end a connection after each n data frames, or each 10s, 500ms, 2m")
    .option("--gap-every <n|time>", "drop each nth data frame, or one each span")
    .option("--duplicate-every <n|time>", "send each nth data frame twice, or one each span")
    .option("--garbage-every <n|time>", "send an unreadable frame after each n data frames, or each span")
    .option("--silence-after <n|time>", "send nothing more on a connection after n data frames, or a span")
    .option("--reject-subscription <symbol>", "refuse a symbol; may be given several times", collect, [])
    .option("--slow-ack <ms>", "answer requests this much later, in ms", "0")
    .option("--ignore-pings", "leave WebSocket pings unanswered", false);
}

/** Reads the options of faults. Throws a `UsageError` if one cannot be read. */
export function readFaults(options: FaultOptions): FaultPlan {
  return {
    ...NO_FAULTS,
    disconnectEvery: readTrigger("--disconnect-every", options.disconnectEvery),
    gapEvery: readTrigger("--gap-every", options.gapEvery),
    duplicateEvery: readTrigger("--duplicate-every", options.duplicateEvery),
    garbageEvery: readTrigger("--garbage-every", options.garbageEvery),
    silenceAfter: readTrigger("--silence-after", options.silenceAfter),
    rejectSubscriptions: options.rejectSubscription,
    slowAckMs: readNumber("--slow-ack", options.slowAck),
    ignoresPings: options.ignorePings,
  };
}

function readTrigger(option: string, text: string | undefined): FaultTrigger | null {
  if (text === undefined) return null;
  const trigger = parseFaultTrigger(text);
  if (trigger === null) {
    throw new UsageError(
      `Cannot read ${option} ${text}: write a count of data frames (500) or a time (250ms, 10s, 2m)`,
    );
  }
  return trigger;
}

/** Reads a number of an option. Throws a `UsageError` if it is none, negative or larger than `max`. */
export function readNumber(option: string, text: string, max = Number.MAX_SAFE_INTEGER): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0 || value > max) {
    throw new UsageError(`Cannot read ${option} ${text}: write a number from 0 to ${max}`);
  }
  return value;
}
