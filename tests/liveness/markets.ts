import type { Micros } from "../../src/model/mod.ts";

/** A moment of data: ms from the beginning. */
export type Moments = Generator<number, void>;

/** A market whose data come by a law of its own. */
export interface Market {
  readonly name: string;
  /** Whether its data come so often that a dead stream has to be found at once. */
  readonly busy: boolean;
  readonly moments: (random: () => number) => Moments;
}

/** Midnight (UTC) at which every market begins. */
export const BEGINNING: Micros = 1_767_225_600_000_000;

const SECOND = 1000;
const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** The markets that silence is judged in. */
export const MARKETS: readonly Market[] = [
  { name: "steady, 20 a second", busy: true, moments: (random) => steady(random, () => 50) },
  { name: "steady, 1 a second", busy: true, moments: (random) => steady(random, () => SECOND) },
  { name: "steady, 6 a minute", busy: false, moments: (random) => steady(random, () => 10 * SECOND) },
  { name: "steady, 1 an hour", busy: false, moments: (random) => steady(random, () => HOUR) },
  { name: "a ticker each second", busy: true, moments: (random) => ticker(random, SECOND) },
  { name: "a candle each minute", busy: false, moments: (random) => ticker(random, MINUTE) },
  { name: "funding each 8 hours", busy: false, moments: (random) => ticker(random, 8 * HOUR) },
  { name: "bursts", busy: false, moments: (random) => bursts(random, 40 * SECOND) },
  { name: "moods: a second's gap that wanders by a factor of ten", busy: true, moments: moods },
  { name: "day and night: 5 a second, 6 a minute", busy: true, moments: (random) => steady(random, dayAndNight) },
  {
    name: "maintenance each day at 04:00 for half an hour",
    busy: true,
    moments: (random) => closed(steady(random, () => 200), (ms) => ms % DAY >= 4 * HOUR && ms % DAY < 4.5 * HOUR),
  },
  {
    name: "open from 08:00 to 16:00",
    busy: true,
    moments: (random) => closed(steady(random, () => 200), (ms) => ms % DAY < 8 * HOUR || ms % DAY >= 16 * HOUR),
  },
];

/** Data independent of each other, with a mean gap that may change with time. */
function* steady(random: () => number, meanMs: (ms: number) => number): Moments {
  for (let ms = 0;; yield ms) ms += -Math.log(1 - random()) * meanMs(ms);
}

/** Data at even times, give or take a tenth of a second. */
function* ticker(random: () => number, everyMs: number): Moments {
  for (let at = everyMs;; at += everyMs) yield at + random() * 100;
}

/** Bursts of twenty or so, a twentieth of a second apart, with long pauses between. */
function* bursts(random: () => number, pauseMs: number): Moments {
  for (let ms = 0;;) {
    ms += -Math.log(1 - random()) * pauseMs;
    do yield ms += -Math.log(1 - random()) * 50; while (random() < 0.95);
  }
}

/** A rate whose logarithm wanders about its mean, over a quarter of an hour. */
function* moods(random: () => number): Moments {
  let mood = 0;
  for (let ms = 0;; yield ms) {
    const gapMs = -Math.log(1 - random()) * SECOND * Math.exp(mood);
    ms += gapMs;
    const share = Math.min(1, gapMs / (15 * MINUTE));
    mood += -mood * share + Math.sqrt(2 * share) * 0.8 * normal(random);
  }
}

function dayAndNight(ms: number): number {
  const light = (1 + Math.cos(2 * Math.PI * (ms / DAY - 0.5))) / 2;
  return 10 * SECOND * (200 / (10 * SECOND)) ** light;
}

/** Leaves out what falls into a time that is closed. */
function* closed(moments: Moments, isClosed: (ms: number) => boolean): Moments {
  for (const ms of moments) if (!isClosed(ms)) yield ms;
}

function normal(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
