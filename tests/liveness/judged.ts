import { Rhythm } from "../../src/liveness/mod.ts";
import { BEGINNING, DAY, HOUR, type Moments } from "./markets.ts";

/** What came of listening to one stream. */
export interface Judged {
  days: number;
  /** Silences that were taken for the end of the stream, and were none. */
  falseAlarms: number;
  /** The longest of them and the limit then, in ms. */
  worst: readonly [silenceMs: number, limitMs: number] | null;
  /** Silences that somebody would have been asked about. */
  suspicions: number;
  /** Deaths at random moments: how long until they would be found, in ms. */
  readonly found: number[];
  /** The same where somebody can be asked. */
  readonly foundByProbe: number[];
  /** What is wanted of them: five seconds or ten usual gaps. */
  readonly wanted: number[];
  /** Deaths before enough was known. */
  unknown: number;
}

/** Listens to a stream for a while. `death`: how often it might die, in ms; such a death is judged and does not happen. */
export function judge(
  moments: Moments | Iterable<number>,
  { untilMs, deathMs, random }: { readonly untilMs: number; readonly deathMs: number; readonly random: () => number },
): Judged {
  const rhythm = new Rhythm();
  const judged: Judged = {
    days: 0,
    falseAlarms: 0,
    worst: null,
    suspicions: 0,
    found: [],
    foundByProbe: [],
    wanted: [],
    unknown: 0,
  };
  let [last, nextDeath] = [0, random() * 2 * deathMs];
  for (const ms of moments) {
    if (ms > untilMs) break;
    const at = BEGINNING + last * 1000;
    const silenceMs = ms - last;
    if (ms >= nextDeath) {
      nextDeath = ms + random() * 2 * deathMs;
      const limits = rhythm.limits(at);
      if (limits === null) judged.unknown++;
      else {
        judged.found.push(limits.limitMs);
        judged.foundByProbe.push(limits.suspiciousMs);
        judged.wanted.push(Math.max(5000, 10 * limits.usualMs));
      }
    }
    if (silenceMs >= 5000) {
      const limits = rhythm.limits(at);
      if (limits !== null && silenceMs > limits.suspiciousMs) judged.suspicions++;
      if (limits !== null && silenceMs > limits.limitMs) {
        judged.falseAlarms++;
        if (silenceMs > (judged.worst?.[0] ?? 0)) judged.worst = [silenceMs, limits.limitMs];
        rhythm.alarmed();
      }
    }
    rhythm.saw(ms, BEGINNING + ms * 1000);
    last = ms;
  }
  judged.days = last / DAY;
  return judged;
}

/** Adds up what came of several streams. */
export function together(all: readonly Judged[]): Judged {
  const sum = (of: (one: Judged) => number) => all.reduce((total, one) => total + of(one), 0);
  return {
    days: sum(({ days }) => days),
    falseAlarms: sum(({ falseAlarms }) => falseAlarms),
    worst: all.reduce<Judged["worst"]>(
      (worst, { worst: own }) => own !== null && own[0] > (worst?.[0] ?? 0) ? own : worst,
      null,
    ),
    suspicions: sum(({ suspicions }) => suspicions),
    found: all.flatMap(({ found }) => found),
    foundByProbe: all.flatMap(({ foundByProbe }) => foundByProbe),
    wanted: all.flatMap(({ wanted }) => wanted),
    unknown: sum(({ unknown }) => unknown),
  };
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

export function shownMs(ms: number): string {
  if (Number.isNaN(ms)) return "-";
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return ms < 2 * HOUR ? `${(ms / 60_000).toFixed(1)} min` : `${(ms / HOUR).toFixed(1)} h`;
}
