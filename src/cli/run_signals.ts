import type { Host, Timer } from "../host/mod.ts";
import { EXIT } from "./context.ts";

/** Signals that end a run. */
type StopSignal = "SIGINT" | "SIGTERM" | "SIGHUP";

/**
 * Set by the tasks: a terminal signals the whole process group, and `deno task` and `npx` forward signals, so one key
 * press arrives up to `COPIES_MAX` times.
 */
const FORWARDED_VARIABLE = "FORWARDED_SIGNALS";
const COPIES_MAX = 3;
/** A start of a run with an end may take as long as the run, and so long in any case; in ms. */
const START_MS_MAX = 60_000;
/** Copies of one signal come within this time, in ms. */
const COPIES_MS_MAX = 250;

/**
 * Handles the signals of a run. SIGINT and SIGTERM stop it. SIGHUP stops it if it belongs to a terminal (which was
 * closed), else asks for a reload. A second stop signal exits at once.
 */
export class RunSignals {
  /** Resolves with what ends the run: a signal, or the time. */
  readonly ended: Promise<string>;
  readonly #host: Host;
  readonly #end = Promise.withResolvers<string>();
  #reload: (() => void) | null = null;
  #reloadWaits = false;
  #first: { readonly signal: StopSignal; readonly atMs: number } | null = null;
  #copies = 0;
  readonly #forMs: number;
  #timer: Timer | null = null;
  readonly #listeners: readonly (readonly [StopSignal, () => void])[];

  /** `forMs`: time after which the run ends; null or 0 if never. `reloads`: whether SIGHUP may mean a reload. */
  constructor(host: Host, { forMs, reloads }: { readonly forMs: number | null; readonly reloads: boolean }) {
    this.#host = host;
    this.ended = this.#end.promise;
    const { stdinIsTerminal, stdoutIsTerminal, stderrIsTerminal } = host.terminal;
    const isOnTerminal = stdinIsTerminal || stdoutIsTerminal || stderrIsTerminal;
    this.#listeners = [
      ["SIGINT", () => this.#stop("SIGINT")],
      ["SIGTERM", () => this.#stop("SIGTERM")],
      ["SIGHUP", () => isOnTerminal || !reloads ? this.#stop("SIGHUP") : this.#askReload()],
    ];
    for (const [signal, call] of this.#listeners) host.signals.on(signal, call);
    this.#forMs = forMs ?? 0;
    this.#endAfter(Math.max(this.#forMs, START_MS_MAX));
  }

  /** Counts the time given from here on, when the run has begun: a slow start takes nothing from it. */
  begun(): void {
    this.#timer?.cancel();
    this.#endAfter(this.#forMs);
  }

  /** Calls back for each reload; at once if one was asked for before. */
  onReload(call: () => void): void {
    this.#reload = call;
    if (this.#reloadWaits) call();
    this.#reloadWaits = false;
  }

  /** Ends the run for another reason. */
  end(reason: string): void {
    this.#end.resolve(reason);
  }

  /** Stops listening to signals. */
  close(): void {
    this.#timer?.cancel();
    for (const [signal, call] of this.#listeners) this.#host.signals.off(signal, call);
  }

  #endAfter(ms: number): void {
    if (this.#forMs > 0) this.#timer = this.#host.clock.after(ms, () => this.#end.resolve("the time given"));
  }

  #askReload(): void {
    if (this.#reload === null) this.#reloadWaits = true;
    else this.#reload();
  }

  #stop(signal: StopSignal): void {
    const nowMs = this.#host.clock.monotonicMs();
    if (this.#first === null) {
      this.#first = { signal, atMs: nowMs };
      this.#end.resolve(signal);
      return;
    }
    const mayBeCopy = this.#host.environment.get(FORWARDED_VARIABLE) === "1" && signal === this.#first.signal &&
      nowMs - this.#first.atMs < COPIES_MS_MAX && ++this.#copies < COPIES_MAX;
    if (!mayBeCopy) this.#host.exit(EXIT.failed);
  }
}
