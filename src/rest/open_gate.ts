import type { Clock } from "../host/mod.ts";
import type { RateLimit } from "../model/mod.ts";
import { RollingWindow } from "./rolling_window.ts";

/** Lets connection attempts through within the budget that a host grants to all connections of an instance. */
export interface OpenGate {
  /** Resolves when an attempt to `host` may be made, in the order of asking; at once when the signal aborts. */
  enter(host: string, limit: RateLimit | null, signal: AbortSignal): Promise<void>;
}

interface Lane {
  /** One window for each limit that connections to this host declare. */
  readonly windows: Map<string, RollingWindow>;
  tail: Promise<void>;
}

/** A gate for one exchange instance. */
export function createOpenGate(clock: Clock): OpenGate {
  const lanes = new Map<string, Lane>();
  return {
    enter: (host, limit, signal) => {
      const lane = lanes.get(host) ?? { windows: new Map(), tail: Promise.resolve() };
      lanes.set(host, lane);
      lane.tail = lane.tail.then(() => pass({ lane, limit, signal, clock }));
      return lane.tail;
    },
  };
}

async function pass(
  options: {
    readonly lane: Lane;
    readonly limit: RateLimit | null;
    readonly signal: AbortSignal;
    readonly clock: Clock;
  },
): Promise<void> {
  const { lane, limit, signal, clock } = options;
  if (limit !== null) {
    const key = `${limit.count}/${limit.perMs}`;
    const window = lane.windows.get(key) ?? new RollingWindow(limit);
    lane.windows.set(key, window);
    while (!signal.aborted) {
      const waitMs = window.waitMs(clock.monotonicMs());
      if (waitMs === 0) break;
      await clock.sleep(waitMs, signal);
    }
  }
  if (signal.aborted) return;
  for (const window of lane.windows.values()) window.record(clock.monotonicMs());
}
