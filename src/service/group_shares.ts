import { GroupMember, type ShareChange, type ShareStop } from "../group/mod.ts";
import type { Host } from "../host/mod.ts";
import type { GroupStatus, Observer, Plan } from "../model/mod.ts";
import type { Collector, ShareMoves } from "../runtime/mod.ts";

export interface GroupSharesOptions {
  readonly host: Host;
  readonly observe: Observer;
  /** Runs a change behind the start and the reloads that are under way; resolves or rejects as it does. */
  readonly queue: (change: () => Promise<void>) => Promise<void>;
  /** Collects the shares that are held by now. */
  readonly collect: (moves: ShareMoves) => Promise<void>;
}

/** For this part of the time that a stop has, others are waited for to collect what this collector does. */
const HANDOVER_PART_OF_STOP = 0.5;

/** The shares that this collector has of its group: takes and releases them as the group says, and hands them over at the end. */
export class GroupShares {
  readonly #options: GroupSharesOptions;
  /** Null where the collector belongs to no group. */
  #member: GroupMember | null = null;
  #collector: Collector | null = null;
  #held: ReadonlySet<number> = new Set();

  constructor(options: GroupSharesOptions) {
    this.#options = options;
  }

  /** Shares that are to be collected. */
  get held(): ReadonlySet<number> {
    return this.#held;
  }

  /** How the group is doing; null where the collector belongs to none. */
  get status(): GroupStatus | null {
    return this.#member?.status ?? null;
  }

  /** Joins the group of the plan, if it names one, which says from then on what is collected. */
  join(plan: Plan, collector: Collector): void {
    if (plan.group === null) return;
    const { host, observe, queue } = this.#options;
    this.#collector = collector;
    this.#member = new GroupMember({
      plan: plan.group,
      member: collector.name,
      journal: collector.journalId,
      host,
      observe,
      path: `${plan.run.dataDir}/group.json`,
      apply: (change) => queue(() => this.#take(change)),
      isLive: (share) => collector.isShareLive(share),
      lastSeen: () => collector.lastSeen(),
    });
    this.#member.start();
  }

  /** Waits until other members collect what this one does, for a part of the time that a stop has. */
  async handOver(timeoutMs: number): Promise<readonly ShareStop[]> {
    const member = this.#member;
    if (member === null) return [];
    const over = new AbortController();
    const timer = this.#options.host.clock.after(timeoutMs * HANDOVER_PART_OF_STOP, () => over.abort());
    const { epoch, shares, stops } = await member.leave(over.signal);
    timer.cancel();
    this.#collector?.noteReleased(stops.map(({ share, to: other }) => ({ share, shares, other, epoch })));
    return stops;
  }

  /** Leaves the group. `handed`: what `handOver` returned. */
  async end(handed: readonly ShareStop[]): Promise<void> {
    await this.#member?.end(handed);
  }

  async #take({ held, shares, start, stop, epoch }: ShareChange): Promise<void> {
    const before = this.#held;
    this.#held = held;
    try {
      await this.#options.collect({
        taken: start.map(({ share, from: other, fromTs, last }) => ({ share, shares, other, fromTs, epoch, last })),
        released: stop.map(({ share, to: other }) => ({ share, shares, other, epoch })),
      });
    } catch (error) {
      this.#held = before;
      throw error;
    }
  }
}
