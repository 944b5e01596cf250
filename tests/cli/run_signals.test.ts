import assert from "node:assert/strict";
import { RunSignals } from "../../src/cli/run_signals.ts";
import { denoHost, type Host } from "../../src/host/mod.ts";
import { ManualClock } from "../support/manual_clock.ts";

type Signal = "SIGINT" | "SIGTERM" | "SIGHUP";

/** A host whose signals are raised by the test and whose time it sets. */
class SignalRig {
  readonly exits: number[] = [];
  nowMs = 0;
  readonly host: Host;
  readonly #calls = new Map<Signal, () => void>();

  constructor({ terminal = false, forwarded = false } = {}) {
    const real = denoHost();
    this.host = {
      ...real,
      clock: { ...real.clock, monotonicMs: () => this.nowMs },
      environment: { get: (name) => name === "FORWARDED_SIGNALS" && forwarded ? "1" : undefined },
      terminal: { ...real.terminal, stdinIsTerminal: terminal, stdoutIsTerminal: false, stderrIsTerminal: false },
      signals: {
        on: (signal, call) => void this.#calls.set(signal, call),
        off: (signal) => this.#calls.delete(signal),
      },
      exit: ((code: number) => this.exits.push(code)) as unknown as Host["exit"],
    };
  }

  raise(signal: Signal, atMs = this.nowMs): void {
    this.nowMs = atMs;
    this.#calls.get(signal)?.();
  }
}

Deno.test("RunSignals exits at once on a second signal, however soon it comes", async () => {
  for (const second of ["SIGINT", "SIGTERM"] as const) {
    const rig = new SignalRig();
    const signals = new RunSignals(rig.host, { forMs: null, reloads: true });
    rig.raise("SIGTERM", 0);
    assert.equal(await signals.ended, "SIGTERM");
    assert.deepEqual(rig.exits, []);
    rig.raise(second, 1);
    assert.deepEqual(rig.exits, [1]);
  }
});

Deno.test("RunSignals takes copies that a task runner passes on as one, but no other signal, no more and none later", () => {
  const raised = (...later: readonly (readonly [Signal, number])[]) => {
    const rig = new SignalRig({ forwarded: true });
    new RunSignals(rig.host, { forMs: null, reloads: true });
    rig.raise("SIGINT", 0);
    for (const [signal, atMs] of later) rig.raise(signal, atMs);
    return rig.exits.length;
  };
  assert.equal(raised(["SIGINT", 3], ["SIGINT", 8]), 0);
  assert.equal(raised(["SIGINT", 3], ["SIGINT", 8], ["SIGINT", 9]), 1);
  assert.equal(raised(["SIGTERM", 3]), 1);
  assert.equal(raised(["SIGINT", 300]), 1);
});

Deno.test("RunSignals stops on the hangup of a terminal and reloads on SIGHUP elsewhere", async () => {
  const onTerminal = new SignalRig({ terminal: true });
  const stopped = new RunSignals(onTerminal.host, { forMs: null, reloads: true });
  onTerminal.raise("SIGHUP");
  assert.equal(await stopped.ended, "SIGHUP");

  const elsewhere = new SignalRig();
  const signals = new RunSignals(elsewhere.host, { forMs: null, reloads: true });
  let reloads = 0;
  elsewhere.raise("SIGHUP");
  elsewhere.raise("SIGHUP");
  signals.onReload(() => reloads++);
  assert.equal(reloads, 1, "what came before is done after");
  elsewhere.raise("SIGHUP");
  assert.equal(reloads, 2);
});

Deno.test("RunSignals lets the signals go when it is closed", () => {
  const rig = new SignalRig();
  new RunSignals(rig.host, { forMs: null, reloads: true }).close();
  rig.raise("SIGTERM");
  rig.raise("SIGTERM");
  assert.deepEqual(rig.exits, []);
});

Deno.test("RunSignals ends a run at the time given, counted from where it had begun", async () => {
  const clock = new ManualClock();
  const host = { ...new SignalRig().host, clock };
  const slow = new RunSignals(host, { forMs: 1000, reloads: true });
  let isOver = false;
  void slow.ended.then(() => isOver = true);
  clock.advance(900);
  slow.begun();
  clock.advance(900);
  await Promise.resolve();
  assert.equal(isOver, false);
  clock.advance(100);
  assert.equal(await slow.ended, "the time given");
  const stuck = new RunSignals(host, { forMs: 1000, reloads: true });
  clock.advance(60_000);
  assert.equal(await stuck.ended, "the time given", "a start that never ends is given up");
  stuck.close();
  assert.equal(clock.timers, 0);
});
