import type { Host } from "../host/mod.ts";
import { EVENT_KINDS, type ServiceStatus } from "../model/mod.ts";
import { renderTable, showCount, showDuration } from "../text/mod.ts";
import type { Metrics } from "../telemetry/mod.ts";
import type { Service } from "../service/mod.ts";

/** Interval of drawing, in ms. */
const DRAW_MS = 1_000;
/** Most rows shown, the rest is counted: everything fits a terminal of 24 lines. */
const EXCHANGES_SHOWN = 8;
const SINKS_SHOWN = 5;
/** Most problems shown. */
const PROBLEMS_SHOWN = 2;
/** Resets the style of text. */
const RESET = "\u001b[0m";
/** Colour sequences; they have no width. */
// deno-lint-ignore no-control-regex
const COLOURS = /\u001b\[[0-9;]*m/g;

/** Frames and events of an instance so far. */
interface Counted {
  readonly frames: number;
  readonly events: number;
}

/**
 * Shows a live table under the log: exchanges with rates, ages and gaps, sinks with their lag, and problems. Draws it
 * in one write, to avoid flicker, and never wider than the terminal.
 */
export class RunScreen {
  readonly #host: Host;
  readonly #service: () => Service | null;
  #height = 0;
  #timer: { cancel(): void } | null = null;
  #counted = new Map<string, Counted>();
  #countedMs: number;
  #isOver = false;

  constructor(host: Host, service: () => Service | null) {
    this.#host = host;
    this.#service = service;
    this.#countedMs = host.clock.monotonicMs();
  }

  /** Begins to draw. */
  begin(): void {
    this.#timer = this.#host.clock.after(DRAW_MS, () => {
      this.#draw(null);
      this.begin();
    });
  }

  /** Writes a line of the log above the table. */
  print(line: string): void {
    if (this.#isOver || this.#height === 0) this.#host.terminal.printError(line);
    else this.#draw(line);
  }

  /** Removes the table. */
  end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    if (this.#height > 0) this.#host.terminal.printError(`${this.#back()}${RESET}`.trimEnd());
    this.#height = 0;
  }

  #draw(line: string | null): void {
    const service = this.#service();
    if (this.#isOver || service === null) return;
    const width = Math.max(20, this.#host.terminal.columns() - 1);
    const nowMs = this.#host.clock.monotonicMs();
    const { text, counted } = runTable(service.status, {
      metrics: service.metrics,
      before: this.#counted,
      sinceMs: nowMs - this.#countedMs,
    });
    if (line === null) {
      this.#counted = counted;
      this.#countedMs = nowMs;
    }
    const lines = text.split("\n").map((each) => cut(each, width));
    const back = this.#back();
    this.#height = lines.length;
    this.#host.terminal.printError(`${back}${line === null ? "" : `${line}\n`}${lines.join("\n")}`);
  }

  /** Returns the sequence that moves to where the table began and clears from there. */
  #back(): string {
    return this.#height === 0 ? "" : `\u001b[${this.#height}A\r\u001b[J`;
  }
}

/**
 * Returns the current table, and the counts for the rates of the next one. `sinceMs`: time since `before` was counted.
 */
export function runTable(
  status: ServiceStatus,
  { metrics, before, sinceMs }: {
    readonly metrics: Pick<Metrics, "count">;
    readonly before: ReadonlyMap<string, Counted>;
    readonly sinceMs: number;
  },
): { readonly text: string; readonly counted: Map<string, Counted> } {
  const counted = new Map<string, Counted>();
  const perSecond = (now: number, then: number | undefined) =>
    then === undefined || sinceMs <= 0 ? "" : showCount(Math.max(0, Math.round((now - then) / sinceMs * 1000)));
  const rows = status.instances.filter(({ enabled }) => enabled).map(({ name, connections }) => {
    const frames = metrics.count("collector_frames_received_total", name);
    const events = EVENT_KINDS.reduce((sum, kind) => sum + metrics.count("collector_events_total", name, kind), 0);
    counted.set(name, { frames, events });
    const earlier = before.get(name);
    const streams = connections.reduce((sum, one) => sum + Object.values(one.streams).reduce((a, b) => a + b, 0), 0);
    const live = connections.reduce((sum, { streams }) => sum + streams.live, 0);
    const last = Math.max(...connections.map(({ lastMessageTs }) => lastMessageTs ?? -Infinity));
    const states = [...new Set(connections.map(({ state }) => state.kind))];
    return [
      name,
      states.join("+") || "stopped",
      `${live}/${streams}`,
      perSecond(frames, earlier?.frames),
      perSecond(events, earlier?.events),
      Number.isFinite(last) ? showDuration(Math.max(0, (status.now - last) / 1000)) : "never",
      showCount(metrics.count("collector_events_total", name, "gap")),
    ];
  });
  const sinks = status.sinks.map((
    { name, state, lagRecords, error },
  ) => [name, state, showCount(lagRecords), error ?? ""]);
  const more = rows.length > EXCHANGES_SHOWN ? [`and ${rows.length - EXCHANGES_SHOWN} more exchanges`] : [];
  const problems = status.problems.slice(0, PROBLEMS_SHOWN).map(({ text }) => `! ${text.replaceAll(/\s+/g, " ")}`);
  const rest = status.problems.length - problems.length;
  const lines = [
    renderTable(["exchange", "state", "live", "frames/s", "events/s", "last", "gaps"], rows.slice(0, EXCHANGES_SHOWN)),
    ...more,
    ...(sinks.length === 0 ? [] : ["", renderTable(["sink", "state", "lag", ""], sinks.slice(0, SINKS_SHOWN))]),
    ...problems,
    ...(rest > 0 ? [`! and ${rest} more problems, see /healthz`] : []),
    `up ${showDuration(status.uptimeMs)}`,
  ];
  return { text: lines.join("\n"), counted };
}

/** Cuts a line to the width. */
function cut(line: string, width: number): string {
  return line.replaceAll(COLOURS, "").slice(0, width);
}
