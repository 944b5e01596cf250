import type { SilenceLimits } from "./rhythm.ts";

/** What is done about a stream that has stopped, in order; each where the one before brought no data. */
export type StallStep = "resubscribe" | "reconnect" | "next_address";

/** All steps, in order. */
export const STALL_STEPS: readonly StallStep[] = ["resubscribe", "reconnect", "next_address"];

/** A stream that was found to have stopped. Times are monotonic ms. */
export interface Stall {
  /** The last step that was taken. */
  readonly step: StallStep;
  readonly takenMs: number;
  /** Rounds of steps, this one included. */
  readonly round: number;
  /** How long data is waited for behind a step, in ms. */
  readonly patienceMs: number;
}

const PATIENCE_MS_MIN = 10_000;
const PATIENCE_MS_MAX = 60_000;
/** Pause in ms behind the first round; it doubles with each. */
const ROUND_PAUSE_MS_MIN = 600_000;
const ROUND_PAUSE_MS_MAX = 6 * 3_600_000;

/** What is known of a silent stream. Times are monotonic ms. */
export interface Silence {
  readonly nowMs: number;
  /** When its last data came. */
  readonly sinceMs: number;
  readonly limits: SilenceLimits;
  /** When its socket last received anything. */
  readonly heardMs: number;
  /** What somebody who was asked said: the exchange has later data (`behind`), or has none (`quiet`); null: nobody was. */
  readonly verdict: "behind" | "quiet" | null;
  /** Whether somebody can be asked. */
  readonly canProbe: boolean;
  readonly stall: Stall | null;
}

/** What is to be done about a silence, and when it is to be looked at again. */
export type SilenceDecision =
  | { readonly kind: "wait"; readonly untilMs: number }
  | { readonly kind: "probe" }
  | { readonly kind: "step"; readonly step: StallStep; readonly round: number; readonly patienceMs: number };

/**
 * Decides about a silence: nothing while it is possible; where it is suspicious, to ask somebody; where it is beyond all
 * that the stream showed, or the exchange has later data, the steps one after the other while they bring nothing. A silence
 * of the whole socket is not the stream's: other deadlines end such a socket.
 */
export function decide({ nowMs, sinceMs, limits, heardMs, verdict, canProbe, stall }: Silence): SilenceDecision {
  if (stall !== null) return follow(stall, nowMs);
  const suspiciousMs = sinceMs + limits.suspiciousMs;
  if (nowMs < suspiciousMs) return { kind: "wait", untilMs: suspiciousMs };
  const patienceMs = Math.min(PATIENCE_MS_MAX, Math.max(PATIENCE_MS_MIN, limits.usualMs * 10));
  const first = { kind: "step", step: STALL_STEPS[0], round: 1, patienceMs } as const;
  if (verdict === "behind") return first;
  if (verdict === "quiet") return { kind: "wait", untilMs: Infinity };
  if (canProbe) return { kind: "probe" };
  const limitMs = sinceMs + limits.limitMs;
  if (nowMs < limitMs) return { kind: "wait", untilMs: limitMs };
  // Nothing at all came since the stream had long been silent: the socket itself may be dead.
  const isAlive = heardMs - sinceMs >= limits.limitMs / 2;
  return isAlive ? first : { kind: "wait", untilMs: nowMs + PATIENCE_MS_MIN };
}

/**
 * What follows a step that brought no data. Only the first round goes beyond the stream: a new socket costs the others of
 * it a gap, and a stream that it did not help may have ended for good.
 */
function follow({ step, takenMs, round, patienceMs }: Stall, nowMs: number): SilenceDecision {
  const next = round > 1 ? undefined : STALL_STEPS[STALL_STEPS.indexOf(step) + 1];
  const pauseMs = next === undefined
    ? Math.min(ROUND_PAUSE_MS_MAX, ROUND_PAUSE_MS_MIN * 2 ** Math.min(20, round - 1))
    : patienceMs;
  if (nowMs < takenMs + pauseMs) return { kind: "wait", untilMs: takenMs + pauseMs };
  if (next !== undefined) return { kind: "step", step: next, round, patienceMs };
  return { kind: "step", step: STALL_STEPS[0], round: round + 1, patienceMs };
}

/** Whether data that came behind a step came because of it, and not because the market went on by itself. */
export function isCured({ takenMs, patienceMs }: Stall, nowMs: number): boolean {
  return nowMs - takenMs <= patienceMs;
}
