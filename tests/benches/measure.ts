import process from "node:process";

/** A stage that is measured: it reads all frames once and resolves when it is done with them. */
export interface Stage {
  readonly name: string;
  readonly frames: number;
  readonly run: () => void | Promise<void>;
}

/** What a stage costs. CPU time is that of all threads of this process, garbage collection and disk included. */
export interface Cost {
  readonly name: string;
  /** CPU time, ns a frame. */
  readonly cpuNs: number;
  /** Wall clock, ns a frame. */
  readonly wallNs: number;
}

/** CPU time and wall clock since a moment. */
export class Stopwatch {
  readonly #cpu = process.cpuUsage();
  readonly #wallMs = performance.now();

  /** CPU time of all threads, in ms. */
  get cpuMs(): number {
    const { user, system } = process.cpuUsage(this.#cpu);
    return (user + system) / 1000;
  }

  get wallMs(): number {
    return performance.now() - this.#wallMs;
  }
}

/** Between two looks at how much memory is held, in ms. */
const MEMORY_LOOK_MS = 5;

/**
 * Watches how much memory this process holds; gives the most seen, in bytes. The system's own figure is of no use: a
 * process begins with that of the one that started it.
 */
export function watchMemory(): () => number {
  let peakBytes = 0;
  const look = () => peakBytes = Math.max(peakBytes, Deno.memoryUsage().rss);
  setInterval(look, MEMORY_LOOK_MS);
  return look;
}

/**
 * Runs all stages in turn, again and again, and gives the median of each: what else runs on the machine hits all alike.
 * One round before the first makes the code warm.
 */
export async function measureInTurn(stages: readonly Stage[], rounds: number): Promise<readonly Cost[]> {
  const seen = stages.map(() => ({ cpu: [] as number[], wall: [] as number[] }));
  for (let round = -1; round < rounds; round++) {
    for (const [at, { frames, run }] of stages.entries()) {
      const watch = new Stopwatch();
      await run();
      const { cpuMs, wallMs } = watch;
      if (round < 0) continue;
      seen[at].cpu.push(cpuMs * 1e6 / frames);
      seen[at].wall.push(wallMs * 1e6 / frames);
    }
  }
  return stages.map(({ name }, at) => ({ name, cpuNs: median(seen[at].cpu), wallNs: median(seen[at].wall) }));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
