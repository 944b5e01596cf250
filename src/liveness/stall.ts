import type { SilenceLimits } from "./rhythm.ts";

/** Steps against a stalled stream, in order; each is taken if the one before brought no data. */
export type StallStep = "resubscribe" | "reconnect" | "next_address";

/** All steps, in order. */
export const STALL_STEPS: readonly StallStep[] = ["resubscribe", "reconnect", "next_address"];

/** The stall of a stream. Times are monotonic ms. */
export interface Stall {
  /** The last step taken. */
  readonly step: StallStep;
  readonly takenMs: number;
  /** Number of rounds of steps, this one included. */
  readonly round: number;
  /** How long data is awaited after a step, in ms. */
  readonly patienceMs: number;
}

const PATIENCE_MS_MIN = 10_000;
const PATIENCE_MS_MAX = 60_000;
/** Pause after the first round, in ms; it doubles with each round. */
const ROUND_PAUSE_MS_MIN = 600_000;
const ROUND_PAUSE_MS_MAX = 6 * 3_600_000;

/** A silent stream. Times are monotonic ms. */
export interface Silence {
  readonly nowMs: number;
  /** When its last data came. */
  readonly sinceMs: number;
  readonly limits: SilenceLimits;
  /** When its socket last received anything. */
  readonly heardMs: number;
  /** Answer of a probe: the exchange has later data (`behind`) or has none (`quiet`); null: no answer. */
  readonly verdict: "behind" | "quiet" | null;
  /** Whether the exchange can be probed. */
  readonly canProbe: boolean;
  readonly stall: Stall | null;
}

/** What to do about a silence, or when to check it again. */
export type SilenceDecision =
  | { readonly kind: "wait"; readonly untilMs: number }
  | { readonly kind: "probe" }
  | { readonly kind: "step"; readonly step: StallStep; readonly round: number; readonly patienceMs: number };

/**
 * Decides what to do about a silence: nothing while it is usual; a probe when it is suspicious; steps, one after
 * another while they bring no data, when it exceeds the limit or the exchange has later data. A silence of the whole
 * socket is left to the socket's own deadlines.
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
  // If the socket received nothing since, the socket itself may be dead.
  const isAlive = heardMs - sinceMs >= limits.limitMs / 2;
  return isAlive ? first : { kind: "wait", untilMs: nowMs + PATIENCE_MS_MIN };
}

/**
 * Returns what follows a step that brought no data. Only the first round replaces the socket: that costs its other
 * streams a gap, and a stream that it did not help may have ended for good.
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

/** Whether data after a step counts as caused by it, rather than by the market. */
export function isCured({ takenMs, patienceMs }: Stall, nowMs: number): boolean {
  return nowMs - takenMs <= patienceMs;
}
