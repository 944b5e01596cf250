import {
  type InstanceStatus,
  isoFromMicros,
  type Micros,
  PAGE_BUCKET_MS,
  PAGE_GAPS,
  type SinkStatus,
} from "../../model/mod.ts";
import { groupBody, healthStatus, instanceState, problemBody } from "../../telemetry/mod.ts";
import type { LiveFacts } from "../facts.ts";
import { gapBody } from "../resources.ts";
import type { LogTail } from "./log_tail.ts";
import type { RateBoard } from "./rates.ts";

/** Sources of the page. */
export interface OverviewFacts extends LiveFacts {
  readonly rates: RateBoard;
  readonly log: LogTail;
  /** Cap of the journal in bytes; null if nothing runs. */
  readonly journalCap: () => number | null;
}

/** A reading of a growing number, to compute its speed. */
interface Reading {
  readonly at: Micros;
  readonly value: number;
}

/** Makes the page's overview. Remembers earlier readings to compute speeds. */
export class Overview {
  readonly #facts: OverviewFacts;
  readonly #readings = new Map<string, Reading[]>();

  constructor(facts: OverviewFacts) {
    this.#facts = facts;
  }

  /** Returns the overview as of now. */
  body(): unknown {
    const status = this.#facts.status();
    const { now, journal } = status;
    return {
      at: isoFromMicros(now),
      version: status.version,
      uptime_s: Math.floor(status.uptimeMs / 1000),
      status: healthStatus(status),
      problems: status.problems.map(problemBody),
      config: {
        loaded: status.config.loaded,
        error: status.config.error,
        refused: status.config.refused?.text ?? null,
        needs_restart: status.config.needsRestart,
      },
      reading_paused: status.reading.reason,
      bucket_s: PAGE_BUCKET_MS / 1000,
      exchanges: status.instances.map((instance) => this.#exchange(instance, now)),
      streams: status.instances.flatMap(({ name }) => this.#streams(name, now)),
      gaps: this.#facts.gaps.all().slice(-PAGE_GAPS).reverse().map(gapBody),
      sinks: status.sinks.map((sink) => this.#sink(sink, now)),
      journal: journal === null ? null : {
        bytes: journal.totalBytes,
        cap_bytes: this.#facts.journalCap(),
        bytes_per_s: this.#speed("journal", { at: now, value: journal.totalBytes }),
        waiting_ms: journal.waitingSince === null ? 0 : ageMs(now, journal.waitingSince),
        full: journal.full,
        error: journal.error,
      },
      group: status.group === null ? null : groupBody(status.group),
      log: this.#facts.log.lines.map(({ at, level, text }) => ({ at: isoFromMicros(at), level, text })),
    };
  }

  #exchange(instance: InstanceStatus, now: Micros): unknown {
    const { name, books, connections } = instance;
    const rates = this.#facts.rates.ratesOf(name);
    const count = (...states: readonly string[]) => books.filter(({ state }) => states.includes(state)).length;
    return {
      name,
      state: instanceState(instance),
      errors: instance.errors,
      error: instance.error,
      connections: connections.map(({ key, state, since, lastMessageTs, reconnects, streams }) => ({
        key,
        state: state.kind,
        detail: "reason" in state ? state.reason : null,
        since: isoFromMicros(since),
        last_message_age_ms: lastMessageTs === null ? null : ageMs(now, lastMessageTs),
        reconnects,
        streams,
      })),
      books: { valid: count("valid"), waiting: count("empty", "buffering"), broken: count("broken") },
      book_list: books.map(({ symbol, state }) => [symbol, state]),
      frames: rates.frames,
      events: rates.events,
      lag_ms: rates.lagMs === null ? null : Math.round(rates.lagMs),
    };
  }

  /** Returns rows instead of objects, because there may be thousands. */
  #streams(exchange: string, now: Micros): readonly unknown[] {
    return [...this.#facts.streams(exchange)].map(({ connection, stream, state, lastDataTs, missingSince, quiet }) => [
      exchange,
      connection,
      stream.channel,
      stream.symbol,
      quiet && state === "acked" ? "quiet" : state,
      lastDataTs === null ? null : ageMs(now, lastDataTs),
      missingSince === null ? null : ageMs(now, missingSince),
    ]);
  }

  #sink(sink: SinkStatus, now: Micros): unknown {
    const speed = this.#speed(`sink ${sink.name}`, { at: now, value: sink.position });
    const gained = this.#speed(`lag ${sink.name}`, { at: now, value: -sink.lagRecords });
    return {
      name: sink.name,
      type: sink.type,
      state: sink.state,
      lag_records: sink.lagRecords,
      records_per_s: speed,
      // Unknown for a sink that keeps up, and while the lag does not shrink.
      catch_up_s: sink.state === "delivering" || gained === null || gained <= 0
        ? null
        : Math.round(sink.lagRecords / gained),
      events: sink.events,
      files: sink.files,
      error: sink.error,
    };
  }

  /** Returns the growth of a number per second over the last ten readings; null before there are two. */
  #speed(name: string, reading: Reading): number | null {
    const readings = this.#readings.get(name) ?? [];
    this.#readings.set(name, [...readings.slice(-9), reading]);
    const first = readings.at(0);
    if (first === undefined || reading.at <= first.at) return null;
    return (reading.value - first.value) / ((reading.at - first.at) / 1_000_000);
  }
}

function ageMs(now: Micros, at: Micros): number {
  return Math.max(0, Math.round((now - at) / 1000));
}
