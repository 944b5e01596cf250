import { seeded } from "../support/seeded.ts";
import { judge, type Judged, quantile, shownMs, together } from "./judged.ts";
import { HOUR, MARKETS } from "./markets.ts";
import { recordedStreams } from "./recorded_streams.ts";

/**
 * Listens to generated markets and to all shared recordings, and prints how soon a stream that dies would be found and how
 * often one that lives would be taken for dead. `deno task liveness [seed] [days] [streams]`.
 */
function main([seedText = "1", daysText = "8", streamsText = "3"]: readonly string[]): void {
  const [seed, days, streams] = [Number(seedText), Number(daysText), Number(streamsText)];
  console.log(`seed ${seed}, ${days} days, ${streams} streams of each market`);
  console.log(HEAD.join(" | "));
  for (const { name, busy, moments } of MARKETS) {
    const all: Judged[] = [];
    for (let stream = 0; stream < streams; stream++) {
      const random = seeded(seed * 1000 + stream);
      all.push(judge(moments(random), { untilMs: days * 24 * HOUR, deathMs: HOUR, random }));
    }
    show(`${name}${busy ? " (busy)" : ""}`, together(all));
  }
  const recorded = recordedStreams();
  const random = seeded(seed);
  const judgeAll = (isBusy: boolean, untilMs: number) =>
    together(
      recorded.filter(({ usualMs }) => (usualMs <= 1000) === isBusy)
        .map(({ moments }) => judge(repeated(moments, untilMs), { untilMs, deathMs: untilMs / 20, random })),
    );
  for (const [isBusy, name] of [[true, "with a usual gap of at most 1 s (busy)"], [false, "others"]] as const) {
    show(`recorded streams as they are, ${name}`, judgeAll(isBusy, MINUTE));
    show(`recorded streams over and over for an hour, ${name}`, judgeAll(isBusy, HOUR));
  }
}

/** A recording's moments, over and over where it is shorter than is wanted. */
function* repeated(moments: readonly number[], untilMs: number): Generator<number, void> {
  const [first, last] = [moments[0], moments.at(-1) ?? 0];
  const isOnce = untilMs <= MINUTE;
  for (let from = 0; from < untilMs; from += last - first + 1) {
    for (const ms of moments) yield from + ms - first;
    if (isOnce || last - first < 10_000) return;
  }
}

const MINUTE = 60_000;
const HEAD = [
  "market",
  "stream-days",
  "false alarms a stream and day",
  "longest false silence (limit)",
  "asked a stream and day",
  "found after: half",
  "19 of 20",
  "with a probe: half",
  "19 of 20",
  "wanted: half",
  "within what is wanted",
  "with a probe",
  "deaths before enough was known",
];

function show(name: string, judged: Judged): void {
  const { days, falseAlarms, worst, suspicions, found, foundByProbe, wanted, unknown } = judged;
  const within = (times: readonly number[]) =>
    times.length === 0 ? "-" : `${(100 * times.filter((ms, i) => ms <= wanted[i]).length / times.length).toFixed(0)} %`;
  console.log([
    name,
    days.toFixed(2),
    (falseAlarms / days).toFixed(4),
    worst === null ? "-" : worst.map(shownMs).join(" / "),
    (suspicions / days).toFixed(2),
    shownMs(quantile(found, 0.5)),
    shownMs(quantile(found, 0.95)),
    shownMs(quantile(foundByProbe, 0.5)),
    shownMs(quantile(foundByProbe, 0.95)),
    shownMs(quantile(wanted, 0.5)),
    within(found),
    within(foundByProbe),
    String(unknown),
  ].join(" | "));
}

if (import.meta.main) main(Deno.args);
