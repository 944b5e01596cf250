import { setImmediate } from "node:timers";
import type { ClockStep, Micros } from "../model/mod.ts";
import type { Clock, Timer } from "./host.ts";
import { WallClock } from "./wall_clock.ts";

/** Longest delay of a platform timer (2^31 - 1 ms); longer delays are split. */
const TIMER_MS_MAX = 2_147_483_647;

/** The system's clocks and timers. */
export function systemClock(): Clock {
  const listeners: ((step: ClockStep) => void)[] = [];
  const wall = new WallClock(performance.timeOrigin, performance.now(), (step) => {
    for (const call of listeners) call(step);
  });
  const nowMicros = (): Micros => wall.read(performance.now(), Date.now);
  return {
    nowMicros,
    onStep: (call) => {
      listeners.push(call);
    },
    nowMs: () => Date.now(),
    monotonicMs: () => performance.now(),
    after: startTimer,
    sleep,
    turn: () => new Promise((resolve) => setImmediate(() => resolve())),
  };
}

function startTimer(ms: number, call: () => void): Timer {
  let left = Math.max(0, ms);
  const next = (): ReturnType<typeof setTimeout> => {
    const stretch = Math.min(left, TIMER_MS_MAX);
    left -= stretch;
    return setTimeout(() => {
      if (left > 0) id = next();
      else call();
    }, stretch);
  };
  let id = next();
  return { cancel: () => clearTimeout(id) };
}

function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      timer.cancel();
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const timer = startTimer(ms, finish);
    signal?.addEventListener("abort", finish, { once: true });
  });
}
