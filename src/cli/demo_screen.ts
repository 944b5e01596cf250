import type { Host } from "../host/mod.ts";
import { EVENT_KINDS, type EventKind } from "../model/mod.ts";
import type { Metrics } from "../telemetry/mod.ts";
import { wantsColor } from "./context.ts";
import { renderTable, showCount } from "../text/mod.ts";

/** Figures of one exchange. */
export interface DemoRow {
  readonly exchange: string;
  readonly state: string;
  readonly frames: number;
  readonly framesPerSecond: number;
  readonly events: ReadonlyMap<EventKind, number>;
  readonly gaps: number;
}

/** Returns the kinds with events in any row, in documented order. */
export function shownKinds(rows: readonly DemoRow[]): readonly EventKind[] {
  return EVENT_KINDS.filter((kind) => kind !== "gap" && rows.some((row) => (row.events.get(kind) ?? 0) > 0));
}

/** Reads an exchange's figures from the metrics. */
export function demoRow(metrics: Metrics, exchange: string, state: string, elapsedMs: number): DemoRow {
  const frames = metrics.count("collector_frames_received_total", exchange);
  const events = new Map(EVENT_KINDS.map((kind) => [kind, metrics.count("collector_events_total", exchange, kind)]));
  return {
    exchange,
    state,
    frames,
    framesPerSecond: elapsedMs > 0 ? frames / elapsedMs * 1000 : 0,
    events,
    gaps: events.get("gap") ?? 0,
  };
}

/** Renders the rows as a table. */
export function demoTable(rows: readonly DemoRow[]): string {
  const kinds = shownKinds(rows);
  return renderTable(
    ["exchange", "state", "frames", "frames/s", ...kinds, "gaps"],
    rows.map((row) => [
      row.exchange,
      row.state,
      showCount(row.frames),
      showCount(Math.round(row.framesPerSecond)),
      ...kinds.map((kind) => showCount(row.events.get(kind) ?? 0)),
      showCount(row.gaps),
    ]),
  );
}

/** Shows progress: in place on a terminal, elsewhere a line from time to time. */
export class DemoScreen {
  readonly #host: Host;
  readonly #inPlace: boolean;
  #height = 0;

  constructor(host: Host) {
    this.#host = host;
    this.#inPlace = wantsColor(host, "stdout");
  }

  /** How often it should be shown, in ms. */
  get everyMs(): number {
    return this.#inPlace ? 250 : 5_000;
  }

  async show(rows: readonly DemoRow[], note: string): Promise<void> {
    if (!this.#inPlace) {
      const parts = rows.map((row) => `${row.exchange} ${row.state} ${showCount(row.frames)} frames`);
      await this.#write(`${note}: ${parts.join(", ")}\n`);
      return;
    }
    const text = `${demoTable(rows)}\n${note}`;
    // Moves to where the table began, and clears from there.
    const back = this.#height === 0 ? "" : `\u001b[${this.#height}A\u001b[J`;
    this.#height = text.split("\n").length;
    await this.#write(`${back}${text}\n`);
  }

  /** Removes the live table; the summary replaces it. */
  async clear(): Promise<void> {
    if (this.#inPlace && this.#height > 0) await this.#write(`\u001b[${this.#height}A\u001b[J`);
    this.#height = 0;
  }

  async #write(text: string): Promise<void> {
    await this.#host.terminal.writeStdout(new TextEncoder().encode(text));
  }
}
