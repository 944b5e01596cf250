import {
  BOOK_WAIT_MS_MAX,
  CLOCK_STEP_SHOWN_MS,
  type ConnectionStatus,
  type GroupStatus,
  type InstanceStatus,
  JOURNAL_WAIT_MS_MAX,
  type JournalStatus,
  type Micros,
  POLL_LATE_MS,
  type Problem,
  QUARANTINE_SHOWN_MS,
  READING_PAUSE_MS_MAX,
  REQUEST_LATE_MS,
  type ServiceStatus,
  SINK_LATE_MS,
  type SinkStatus,
  streamKey,
} from "../model/mod.ts";
import { coveredConnections } from "../telemetry/mod.ts";

/** The facts from which problems are derived. */
export type ServiceFacts = Omit<ServiceStatus, "problems">;

/** Now, and the clock's last step; null if the clock was never set. */
interface Moment {
  readonly at: Micros;
  readonly lastStep: ServiceFacts["clock"]["lastStep"];
}

/** Most names that a problem's text spells out; the rest are counted. */
const NAMES_SHOWN_MAX = 5;

/** Returns all problems; those that stop everything come first. */
export function problemsOf(facts: ServiceFacts): readonly Problem[] {
  const enabled = facts.instances.filter((instance) => instance.enabled);
  const isNoneValid = enabled.length > 0 && enabled.every(({ errors }) => errors.length > 0);
  const now: Moment = { at: facts.now, lastStep: facts.clock.lastStep };
  const problems = [
    ...configProblems(facts),
    ...facts.journal === null ? [] : journalProblems(facts.journal, now),
    ...readingProblems(facts, now),
    ...enabled.flatMap((instance) => [...instanceProblems(instance, { now, fatal: isNoneValid })]),
    ...facts.sinks.flatMap((sink) => [...sinkProblems(sink, now)]),
    ...clockProblems(facts),
    ...facts.group === null ? [] : groupProblems(facts.group),
  ];
  return problems.sort((a, b) => Number(b.fatal) - Number(a.fatal));
}

function* groupProblems(group: GroupStatus): Iterable<Problem> {
  const { name, engine, member, held, away, nameTakenSince, error, members, uncovered } = group;
  const about = { scope: "group", name, since: null, fatal: false } as const;
  // A member without shares learns from the engine alone what to start.
  const isIdle = held.length === 0;
  if (away !== null) {
    const what = isIdle ? "nothing is started" : "what is collected goes on";
    const text = `The engine ${engine} is away, ${what}: ${away.error}`;
    yield { ...about, code: "engine_away", text, since: away.since, fatal: isIdle };
  }
  if (nameTakenSince !== null) {
    const text = `Another collector named ${member} is in the group: set run.collector to a name of its own`;
    yield { ...about, code: "name_taken", text, since: nameTakenSince, fatal: isIdle };
  }
  if (error !== null) yield { ...about, code: "not_changed", text: `Shares could not be changed: ${error}` };
  const strangers = members.filter(({ state }) => state === "other_layout");
  if (strangers.length > 0) {
    const text = `Members with other "shares" or "replicas" collect on their own: ` +
      listed(strangers.map((one) => one.name));
    yield { ...about, code: "other_layout", text };
  }
  if (uncovered !== null && uncovered.length > 0 && away === null) {
    yield { ...about, code: "uncovered", text: `No member has all data of shares ${listed(uncovered.map(String))}` };
  }
}

function* configProblems({ config }: ServiceFacts): Iterable<Problem> {
  const about = { scope: "config", name: "" } as const;
  if (!config.loaded) {
    yield { ...about, code: "broken", text: config.error ?? "No configuration runs", since: null, fatal: true };
  }
  if (config.refused !== null) {
    const { at, text, errors } = config.refused;
    const more = errors > 1 ? ` (and ${errors - 1} more)` : "";
    const words = `The file on disk was refused and the earlier configuration runs on: ${text}${more}`;
    yield { ...about, code: "refused", text: words, since: at, fatal: false };
  }
}

function* journalProblems(journal: JournalStatus, now: Moment): Iterable<Problem> {
  const about = { scope: "journal", name: "" } as const;
  const { error, full, waitingSince } = journal;
  if (error !== null) yield { ...about, code: "failing", text: error, since: waitingSince, fatal: true };
  else if (isOlder(waitingSince, now, JOURNAL_WAIT_MS_MAX)) {
    const text = `Records have waited ${ageText(waitingSince, now)} to be synced: the disk does not answer`;
    yield { ...about, code: "not_syncing", text, since: waitingSince, fatal: false };
  }
  if (full) {
    const text = `The journal is at its cap with ${journal.totalBytes} bytes`;
    yield { ...about, code: "full", text, since: null, fatal: false };
  }
}

function* readingProblems({ reading: { pausedSince, reason } }: ServiceFacts, now: Moment): Iterable<Problem> {
  if (!isOlder(pausedSince, now, READING_PAUSE_MS_MAX)) return;
  const text = `Sockets have not been read for ${ageText(pausedSince, now)}: ${reason ?? "the journal takes no more"}`;
  yield { scope: "journal", name: "", code: "paused", text, since: pausedSince, fatal: false };
}

function* instanceProblems(
  instance: InstanceStatus,
  { now, fatal }: { readonly now: Moment; readonly fatal: boolean },
): Iterable<Problem> {
  const { name, errors, connections } = instance;
  const about = { scope: "instance", name, since: null, fatal } as const;
  if (errors.length > 0) {
    yield { ...about, code: "invalid", text: `Does not run: ${listed(errors)}` };
    return;
  }
  if (instance.error !== null) {
    yield { ...about, code: "not_started", text: `Could not be started: ${instance.error}` };
    return;
  }
  if (connections.length === 0 && instance.instruments === null) {
    yield { ...about, code: "starting", text: "No connection has been opened yet" };
  }
  const covered = coveredConnections(connections);
  for (const connection of connections) {
    const other = covered.get(connection);
    for (const problem of connectionProblems(name, connection)) {
      if (other === undefined) yield problem;
      else yield { ...problem, text: `${problem.text}; ${other} shows all of it`, covered: true };
    }
  }
  yield* quarantineProblems(instance, now);
  yield* bookProblems(instance, now);
  yield* pollProblems(instance, now);
  yield* requestProblems(instance, now);
  yield* instrumentProblems(instance);
}

function* connectionProblems(instance: string, connection: ConnectionStatus): Iterable<Problem> {
  const { key, state, since, streams, rejected } = connection;
  // A pause is no problem of the connection; a long one is a problem of the journal (`paused`).
  if (state.kind !== "live" && state.kind !== "paused") {
    const detail = "reason" in state ? `: ${state.reason}` : "";
    const code = state.kind === "faulted" ? "faulted" : "not_connected";
    const text = `Connection ${key} is ${state.kind}${detail}`;
    yield { scope: "instance", name: instance, code, text, since, fatal: false };
  }
  const about = { scope: "stream", name: instance, since: null, fatal: false } as const;
  if (streams.rejected > 0) {
    const each = rejected.map(({ stream, reason }) => `${streamKey(stream)} (${reason})`);
    yield { ...about, code: "rejected", text: `The exchange rejected ${listed(each)} on connection ${key}` };
  }
  if (streams.stale > 0) {
    const text = `${counted(streams.stale, "stream")} on connection ${key} brought no data, or none any more`;
    yield { ...about, code: "stale", text };
  }
}

function* quarantineProblems({ name, quarantined }: InstanceStatus, now: Moment): Iterable<Problem> {
  if (quarantined === null || isOlder(quarantined.at, now, QUARANTINE_SHOWN_MS)) return;
  const { records, offset, error, at } = quarantined;
  const text = `A bug stopped the derivation of ${counted(records, "record")}, the last at offset ${offset}: ${error}`;
  yield { scope: "instance", name, code: "quarantined", text, since: at, fatal: false };
}

function* bookProblems({ name, books }: InstanceStatus, now: Moment): Iterable<Problem> {
  const about = { scope: "book", name, fatal: false } as const;
  // Of several sockets' books of a symbol one is read: it is missing where none is valid.
  const valid = new Set(books.filter(({ state }) => state === "valid").map(({ symbol }) => symbol));
  const missing = books.filter(({ symbol }) => !valid.has(symbol));
  const broken = missing.filter(({ state }) => state === "broken");
  if (broken.length > 0) {
    const text = `Without a valid book: ${listed(broken.map(({ symbol, cause }) => `${symbol} (${cause})`))}`;
    yield { ...about, code: "broken", text, since: earliest(broken) };
  }
  const waiting = missing.filter(({ state, since }) =>
    (state === "empty" || state === "buffering") && isOlder(since, now, BOOK_WAIT_MS_MAX)
  );
  if (waiting.length > 0) {
    const text = `No snapshot for ${ageText(earliest(waiting), now)}: ${listed(waiting.map(({ symbol }) => symbol))}`;
    yield { ...about, code: "buffering", text, since: earliest(waiting) };
  }
}

function* pollProblems({ name, polls }: InstanceStatus, now: Moment): Iterable<Problem> {
  const late = polls.filter(({ lastAnswerTs, since, everyMs }) =>
    isOlder(lastAnswerTs ?? since, now, everyMs + POLL_LATE_MS)
  );
  if (late.length === 0) return;
  const since = Math.min(...late.map((poll) => poll.lastAnswerTs ?? poll.since));
  const each = late.map(({ request, stream, error }) =>
    `${request} for ${streamKey(stream)}${error === null ? "" : ` (${error})`}`
  );
  const text = `No answer for ${ageText(since, now)}: ${listed(each)}`;
  yield { scope: "rest", name, code: "poll_late", text, since, fatal: false };
}

function* requestProblems({ name, requests }: InstanceStatus, now: Moment): Iterable<Problem> {
  const late = requests.filter(({ since }) => isOlder(since, now, REQUEST_LATE_MS));
  if (late.length === 0) return;
  const since = earliest(late);
  const each = late.map(({ request, native, error }) =>
    `${request}${native === "" ? "" : ` for ${native}`} (${error})`
  );
  const text = `No answer for ${ageText(since, now)}: ${listed(each)}`;
  yield { scope: "rest", name, code: "request_failing", text, since, fatal: false };
}

function* instrumentProblems({ name, instruments }: InstanceStatus): Iterable<Problem> {
  if (instruments === null) return;
  const { state, since, error, unresolved } = instruments;
  const about = { scope: "instruments", name, since, fatal: false } as const;
  const why = error === null ? "" : `: ${error}`;
  if (state === "failed") yield { ...about, code: "failed", text: `The instrument list cannot be fetched${why}` };
  if (state === "kept") yield { ...about, code: "kept", text: `An earlier instrument list is in use${why}` };
  if (state === "waiting") yield { ...about, code: "waiting", text: `The instrument list is being fetched${why}` };
  if (unresolved.length > 0) {
    yield { ...about, code: "unresolved", text: `Not in the instrument list: ${listed(unresolved)}` };
  }
}

function* sinkProblems(sink: SinkStatus, now: Moment): Iterable<Problem> {
  const { name, state, error, waitingSince, commitEveryMs } = sink;
  const about = { scope: "sink", name, since: waitingSince, fatal: false } as const;
  if (state === "blocked") yield { ...about, code: "blocked", text: `Needs a person: ${error ?? "no reason given"}` };
  else if (error !== null) yield { ...about, code: "failing", text: error };
  else if (state === "stopped") yield { ...about, code: "stopped", text: "The sink has ended" };
  else if (isOlder(waitingSince, now, commitEveryMs + SINK_LATE_MS)) {
    const text = `Nothing was committed for ${ageText(waitingSince, now)}, and ${sink.lagRecords} records wait`;
    yield { ...about, code: "late", text };
  }
}

function* clockProblems({ clock: { lastStep }, now }: ServiceFacts): Iterable<Problem> {
  if (lastStep === null) return;
  // After a step back the moment of the step may lie ahead of now.
  if (Math.abs(now - lastStep.at) > CLOCK_STEP_SHOWN_MS * 1000) return;
  const way = lastStep.byMs < 0 ? "back" : "forward";
  const text = `The wall clock was set ${way} by ${Math.abs(Math.round(lastStep.byMs))} ms`;
  yield { scope: "clock", name: "", code: "step", text, since: lastStep.at, fatal: false };
}

function isOlder(since: Micros | null, now: Moment, ms: number): since is Micros {
  return since !== null && elapsedMicros(since, now) > ms * 1000;
}

/** Returns the time passed since a moment, corrected for a step of the clock in between. */
function elapsedMicros(since: Micros, { at, lastStep }: Moment): Micros {
  if (lastStep === null) return at - since;
  const by = lastStep.byMs * 1000;
  const isBefore = by > 0 ? since <= lastStep.at - by : since > at;
  return at - since - (isBefore ? by : 0);
}

function earliest(facts: readonly { readonly since: Micros | null }[]): Micros | null {
  const known = facts.flatMap(({ since }) => since === null ? [] : [since]);
  return known.length === 0 ? null : Math.min(...known);
}

function ageText(since: Micros | null, now: Moment): string {
  return since === null ? "some time" : `${Math.round(elapsedMicros(since, now) / 1_000_000)} s`;
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN_MAX).join(", ");
  return names.length > NAMES_SHOWN_MAX ? `${shown} and ${names.length - NAMES_SHOWN_MAX} more` : shown;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
