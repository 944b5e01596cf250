import { GroupMember, type ShareChange, type ShareStop } from "../group/mod.ts";
import type { Host } from "../host/mod.ts";
import type { GroupStatus, Observer, Plan } from "../model/mod.ts";
import type { Collector, ShareMoves } from "../runtime/mod.ts";

export interface GroupSharesOptions {
  readonly host: Host;
  readonly observe: Observer;
  /** Runs a change after the start and the reloads under way; resolves or rejects as the change does. */
  readonly queue: (change: () => Promise<void>) => Promise<void>;
  /** Makes the collector collect the shares in `held`. */
  readonly collect: (moves: ShareMoves) => Promise<void>;
}

/** Part of the stop's time in which the hand-over waits for other members. */
const HANDOVER_PART_OF_STOP = 0.5;

/**
 * Holds this collector's shares of its group: takes and releases them as the group decides, and hands them over at the
 * stop.
 */
export class GroupShares {
  readonly #options: GroupSharesOptions;
  /** Null if the collector belongs to no group. */
  #member: GroupMember | null = null;
  #collector: Collector | null = null;
  #held: ReadonlySet<number> = new Set();

  constructor(options: GroupSharesOptions) {
    this.#options = options;
  }

  /** Shares to collect. */
  get held(): ReadonlySet<number> {
    return this.#held;
  }

  /** How the group is doing; null if the collector belongs to none. */
  get status(): GroupStatus | null {
    return this.#member?.status ?? null;
  }

  /** Joins the plan's group, if it has one. From then on the group decides what is collected. */
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
      apply: (change) => queue(() => this.#change(change)),
      isLive: (share) => collector.isShareLive(share),
      lastSeen: () => collector.lastSeen(),
    });
    this.#member.start();
  }

  /**
   * Waits until other members collect the shares of this one, for a part of the stop's time. Returns the shares they
   * took.
   */
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

  async #change({ held, shares, start, stop, epoch }: ShareChange): Promise<void> {
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
