/** When a fault occurs: at each `count`th data frame of a connection, or at the first data frame after each `ms`. */
export type FaultTrigger =
  | { readonly kind: "frames"; readonly count: number }
  | { readonly kind: "time"; readonly ms: number };

/** Faults of a simulated exchange, counted for each connection. Null or empty: none. */
export interface FaultPlan {
  /** Ends the connection with close code 1001 after a data frame. */
  readonly disconnectEvery: FaultTrigger | null;
  /** Drops a data frame, so that sequences and checksums break. */
  readonly gapEvery: FaultTrigger | null;
  /** Sends a data frame twice. */
  readonly duplicateEvery: FaultTrigger | null;
  /** Sends a frame that no parser reads after a data frame: text cut short, prose or bytes in turn. */
  readonly garbageEvery: FaultTrigger | null;
  /** From then on the connection stays open, but nothing is sent, not even answers. */
  readonly silenceAfter: FaultTrigger | null;
  /** Canonical or native symbols whose subscriptions are refused in the exchange's own words. */
  readonly rejectSubscriptions: readonly string[];
  /** Delay until requests are answered and take effect, in ms. */
  readonly slowAckMs: number;
  /** WebSocket pings stay unanswered. */
  readonly ignoresPings: boolean;
}

/** No faults. */
export const NO_FAULTS: FaultPlan = {
  disconnectEvery: null,
  gapEvery: null,
  duplicateEvery: null,
  garbageEvery: null,
  silenceAfter: null,
  rejectSubscriptions: [],
  slowAckMs: 0,
  ignoresPings: false,
};

const TRIGGER = /^(\d+)(ms|s|m|h)?$/;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Reads `500` (data frames) or `250ms`, `5s`, `2m`, `1h` (time); null if the text is neither or is zero. */
export function parseFaultTrigger(text: string): FaultTrigger | null {
  const match = TRIGGER.exec(text);
  if (match === null) return null;
  const amount = Number(match[1]);
  if (!Number.isSafeInteger(amount) || amount === 0) return null;
  return match[2] === undefined ? { kind: "frames", count: amount } : { kind: "time", ms: amount * UNIT_MS[match[2]] };
}

/** Follows one trigger along one connection. */
export class FaultTimer {
  readonly #trigger: FaultTrigger | null;
  #frames = 0;
  #nextMs: number;

  /** `nowMs` is when the connection was opened. */
  constructor(trigger: FaultTrigger | null, nowMs: number) {
    this.#trigger = trigger;
    this.#nextMs = nowMs + (trigger?.kind === "time" ? trigger.ms : 0);
  }

  /** Called for each data frame. Returns whether the fault occurs at this one. */
  strikes(nowMs: number): boolean {
    const trigger = this.#trigger;
    if (trigger === null) return false;
    if (trigger.kind === "frames") return ++this.#frames % trigger.count === 0;
    if (nowMs < this.#nextMs) return false;
    this.#nextMs = nowMs + trigger.ms;
    return true;
  }

  /** Whether the time of a time trigger has come; false for counts. Changes no state. */
  isDue(nowMs: number): boolean {
    return this.#trigger?.kind === "time" && nowMs >= this.#nextMs;
  }
}
