import type { Host } from "../host/mod.ts";
import {
  Failure,
  GROUP_LOOK_MS_MAX,
  type GroupPlan,
  type GroupStatus,
  type Micros,
  type Observer,
} from "../model/mod.ts";
import { rememberingAssignment } from "./assignment.ts";
import { decide, type Decision, type ShareStop } from "./decide.ts";
import type { EngineOptions, GroupEngine } from "./engine.ts";
import {
  encodeEntry,
  entryKey,
  isSameLayout,
  type Layout,
  layoutOf,
  type MemberEntry,
  type MemberState,
  type SharePhase,
} from "./entry.ts";
import { memberStatuses, uncoveredShares } from "./group_status.ts";
import { KeptShares } from "./kept_shares.ts";
import { MemberTable, type SeenMember } from "./member_table.ts";
import { MemberNotes, type MemberNotesOptions, type TakenStart } from "./member_notes.ts";
import { openEngine } from "./open_engine.ts";

/** The shares that a member starts and stops. */
export interface ShareChange {
  /** All shares to collect from now on. */
  readonly held: ReadonlySet<number>;
  /** How many shares there are. */
  readonly shares: number;
  readonly start: readonly TakenStart[];
  readonly stop: readonly ShareStop[];
  /** Revision of the member's entry; grows with every change, over restarts. */
  readonly epoch: number;
}

export interface GroupMemberOptions {
  readonly plan: GroupPlan;
  /** Name of this collector. */
  readonly member: string;
  /** Id of its journal. */
  readonly journal: string;
  readonly host: Host;
  readonly observe: Observer;
  /** File that keeps the shares held. */
  readonly path: string;
  /** Carries out a change. Resolves when the started shares are subscribed to and the stopped ones are not. */
  readonly apply: (change: ShareChange) => Promise<void>;
  /** Whether all streams of a share have their data. */
  readonly isLive: (share: number) => boolean;
  readonly lastSeen: MemberNotesOptions["lastSeen"];
  /** Replaces the real engine in tests. */
  readonly open?: (options: EngineOptions) => Promise<GroupEngine>;
}

/** Interval of the looks at the group, and bounds of the wait for an answer of the engine, in ms. */
const LOOK_MS_MIN = 100;
const ANSWER_MS_MIN = 300;
const ANSWER_MS_MAX = 5_000;

/**
 * Keeps a collector's membership in its group: renews its entry, reads the others' and starts and stops shares as
 * `decide` says. Losing the engine stops no share; only changes wait for its return.
 */
export class GroupMember {
  readonly #options: GroupMemberOptions;
  readonly #layout: Layout;
  readonly #key: string;
  readonly #lookMs: number;
  readonly #table: MemberTable;
  readonly #kept: KeptShares;
  readonly #notes: MemberNotes;
  readonly #assign = rememberingAssignment();
  readonly #ended = new AbortController();
  #running: Promise<void> | null = null;
  #engine: GroupEngine | null = null;
  #state: MemberState = "active";
  /** Revision of the own entry; null while the entry is not known to be ours. */
  #revision: number | null = null;
  /** Content of the own entry without its times, and when it was written. */
  #written = "";
  #writtenMs = -Infinity;
  readonly #held = new Set<number>();
  /** Held shares whose data has come. */
  readonly #wasLive = new Set<number>();
  /** Held shares whose start is under way. */
  readonly #starting = new Set<number>();
  #phases: ReadonlyMap<number, SharePhase> = new Map();
  /** Shares that this member intends to stop; the next write of its entry says so. */
  #intended: ReadonlySet<number> = new Set();
  /** The entry that another journal left behind under this name. */
  #previous: SeenMember | null = null;
  #applying: Promise<void> | null = null;
  #beatMs: number;
  #beganMs = 0;
  /** Until then no share counts as live: the process stood still, and its sockets may be dead unnoticed. */
  #doubtedUntilMs = -Infinity;
  #hasSeenGroup = false;
  #away: GroupStatus["away"] = null;
  #nameTakenSince: Micros | null = null;
  #error: string | null = null;
  /** From when on nothing may have been collected any more, because the member has left; null before. */
  #leftTs: Micros | null = null;
  /** Resolves the wait of `leave` for others to collect the shares; null if it does not wait. */
  #handed: ((stops: readonly ShareStop[]) => void) | null = null;

  constructor(options: GroupMemberOptions) {
    this.#options = options;
    const { plan, host, path, observe, member, journal, lastSeen } = options;
    this.#layout = layoutOf(plan);
    this.#key = entryKey(member);
    this.#lookMs = Math.min(GROUP_LOOK_MS_MAX, Math.max(LOOK_MS_MIN, plan.ttlMs / 10));
    this.#table = new MemberTable(plan.ttlMs / 2);
    this.#kept = new KeptShares({ files: host.files, path, observe });
    this.#notes = new MemberNotes({ member, journal, lastSeen, observe });
    this.#beatMs = host.clock.monotonicMs();
  }

  start(): void {
    this.#running ??= this.#run();
  }

  get status(): GroupStatus {
    const { plan, member } = this.#options;
    const { engine, name, ttlMs, shares, replicas } = plan;
    const members = this.#table.members();
    return {
      ...{ name, engine, member, ttlMs, shares, replicas },
      held: [...this.#held].sort((a, b) => a - b),
      away: this.#away,
      nameTakenSince: this.#nameTakenSince,
      error: this.#error,
      members: memberStatuses(members, this.#layout),
      uncovered: this.#hasSeenGroup ? uncoveredShares(members, this.#layout) : null,
    };
  }

  /**
   * Announces that this member leaves, and waits until others collect its shares, no member is left that could, or the
   * signal aborts. Returns the shares that others have taken; this member still collects them, too.
   */
  async leave(
    signal: AbortSignal,
  ): Promise<Pick<ShareChange, "shares" | "epoch"> & { readonly stops: readonly ShareStop[] }> {
    this.#state = "leaving";
    const { shares } = this.#layout;
    const epoch = this.#revision ?? 0;
    this.#leftTs = this.#options.host.clock.nowMicros();
    if (this.#held.size === 0 || this.#engine === null || signal.aborted) return { stops: [], shares, epoch };
    const { promise, resolve } = Promise.withResolvers<readonly ShareStop[]>();
    this.#handed = resolve;
    signal.addEventListener("abort", () => resolve([]), { once: true });
    const stops = await promise;
    this.#handed = null;
    this.#leftTs = this.#options.host.clock.nowMicros();
    return { stops, shares, epoch: this.#revision ?? epoch };
  }

  /** Ends the membership, after everything has stopped. `handed`: shares that others collect. Never rejects. */
  async end(handed: readonly ShareStop[] = []): Promise<void> {
    for (const { share } of handed) this.#held.delete(share);
    this.#ended.abort();
    await this.#running;
    this.#state = "left";
    try {
      if (this.#engine !== null && this.#revision !== null) {
        if (this.#held.size > 0) this.#notes.prepare(this.#leftTs);
        await this.#notes.settled();
        await this.#notes.write(this.#engine);
        await this.#write(this.#engine, this.#phases);
      }
    } catch (error) {
      // The lease expires by itself.
      if (!(error instanceof Failure)) throw error;
    }
    await this.#engine?.close();
    this.#engine = null;
  }

  async #run(): Promise<void> {
    const { clock } = this.#options.host;
    this.#beganMs = this.#beatMs = clock.monotonicMs();
    void this.#watchPace();
    const kept = await this.#kept.read(this.#layout);
    while (!this.#ended.signal.aborted) {
      try {
        await this.#round();
        this.#setAway(null);
      } catch (error) {
        await this.#onEngineLost(error);
      }
      if (!this.#hasSeenGroup) this.#startKept(kept);
      await clock.sleep(this.#handed === null ? this.#lookMs : LOOK_MS_MIN, this.#ended.signal);
    }
    await this.#applying;
    await this.#notes.settled();
  }

  /** Reads the group once and acts on it. Rejects with a `Failure` if the engine cannot be reached. */
  async #round(): Promise<void> {
    const { plan, host } = this.#options;
    const timeoutMs = Math.min(ANSWER_MS_MAX, Math.max(ANSWER_MS_MIN, plan.ttlMs / 3));
    this.#engine ??= await (this.#options.open ?? openEngine)({ plan, host, timeoutMs });
    const engine = this.#engine;
    // Writes before reading: a decision rests on entries read after the others could read this one.
    if (this.#revision !== null) {
      await this.#renew(engine);
      await this.#notes.write(engine);
    }
    const stored = await engine.list();
    this.#table.look(stored, host.clock.monotonicMs());
    const own = this.#table.find(this.#key);
    // An unreadable entry under this name is of another version of the program.
    const standing = stored.entries.find(({ key }) => key === this.#key)?.revision ?? 0;
    if (this.#revision === null) {
      if (!this.#claim(own, standing)) return;
      // It is read before this collector writes one of its own in its place.
      if (this.#previous !== null) await this.#notes.keepPrevious(engine);
      return await this.#renew(engine);
    }
    if (own === null || own.revision !== this.#revision || own.state !== this.#state) return;
    this.#hasSeenGroup = true;
    this.#act();
  }

  /** Learns the revision at which the own entry may be written. False if another collector uses the name. */
  #claim(own: SeenMember | null, revision: number): boolean {
    const { journal, observe, member, host } = this.#options;
    const isOthers = own !== null && own.journal !== journal;
    if (isOthers && own.isAlive) {
      if (this.#nameTakenSince === null) observe({ kind: "group_name_taken", member });
      this.#nameTakenSince ??= host.clock.nowMicros();
      return false;
    }
    this.#nameTakenSince = null;
    if (isOthers) this.#previous = own;
    this.#revision = revision;
    this.#written = "";
    return true;
  }

  async #renew(engine: GroupEngine): Promise<void> {
    const { clock } = this.#options.host;
    const phases = this.#currentPhases();
    const content = JSON.stringify([this.#state, ...phases]);
    const isDue = clock.monotonicMs() - this.#writtenMs >= this.#options.plan.ttlMs / 3;
    if (content === this.#written && !isDue) return;
    this.#phases = phases;
    await this.#write(engine, phases);
    this.#written = content;
    this.#writtenMs = clock.monotonicMs();
    if (isDue && this.#held.size > 0) this.#notes.prepare();
  }

  /** Returns the phase of each held share. */
  #currentPhases(): ReadonlyMap<number, SharePhase> {
    this.#beat(0);
    const isDoubted = this.#options.host.clock.monotonicMs() < this.#doubtedUntilMs;
    return new Map(
      [...this.#held].sort((a, b) => a - b).map((share) => {
        // A share whose start is under way is not subscribed to yet.
        const isLive = !this.#starting.has(share) && this.#options.isLive(share);
        if (isLive) this.#wasLive.add(share);
        if (!this.#wasLive.has(share)) return [share, "starting"];
        return [share, isLive && !isDoubted && !this.#intended.has(share) ? "live" : "unsure"];
      }),
    );
  }

  async #write(engine: GroupEngine, shares: ReadonlyMap<number, SharePhase>): Promise<void> {
    const { plan, member, journal, host } = this.#options;
    const kept = new Map([...shares].filter(([share]) => this.#held.has(share)));
    const entry: MemberEntry = {
      ...{ member, journal, state: this.#state, layout: this.#layout, ttlMs: plan.ttlMs },
      at: this.#state === "left" ? this.#leftTs ?? host.clock.nowMicros() : host.clock.nowMicros(),
      shares: kept,
    };
    // Null if another write came first; the next read shows whose.
    this.#revision = await engine.put(this.#key, encodeEntry(entry), this.#revision ?? 0);
  }

  #act(): void {
    if (this.#applying !== null || this.#revision === null || this.#ended.signal.aborted) return;
    const { member, journal } = this.#options;
    const self = { member, journal, layout: this.#layout, state: this.#state, held: this.#held };
    const seen = this.#table.members();
    const decision = decide(self, this.#previous === null ? seen : [...seen, this.#previous], this.#assign);
    if (this.#state === "leaving") return this.#checkHandOver(decision, seen);
    const { start } = decision;
    const stop = decision.stop.filter(({ share }) => this.#phases.get(share) === "unsure");
    this.#intended = new Set(decision.stop.map(({ share }) => share));
    if (start.length + stop.length > 0) this.#change({ start, stop });
  }

  #checkHandOver({ stop, assignment }: Decision, seen: readonly SeenMember[]): void {
    const isAnybodyThere = [...assignment.values()].some((owners) => owners.length > 0) ||
      seen.some(({ member, isAlive, layout, state }) =>
        member !== this.#options.member && isAlive && state === "active" && isSameLayout(layout, this.#layout)
      );
    if (!isAnybodyThere) this.#handed?.([]);
    else if (stop.length === this.#held.size) this.#handed?.(stop);
  }

  #change({ start, stop }: Pick<Decision, "start" | "stop">): void {
    const { apply, observe, plan: { shares } } = this.#options;
    for (const { share } of start) {
      this.#held.add(share);
      this.#starting.add(share);
    }
    const held = new Set(this.#held);
    for (const { share } of stop) held.delete(share);
    const epoch = this.#revision ?? 0;
    this.#applying = this.#notes.addTo(start, this.#engine).then(async (taken) => {
      await apply({ held, shares, start: taken, stop, epoch });
      this.#error = null;
      for (const { share, from, fromTs } of taken) {
        observe({ kind: "group_share", change: "taken", share, shares, other: from, fromTs });
      }
      for (const { share, to } of stop) {
        this.#held.delete(share);
        this.#wasLive.delete(share);
        observe({ kind: "group_share", change: "released", share, shares, other: to, fromTs: null });
      }
      await this.#kept.write(this.#layout, this.#held);
    }).catch((error: unknown) => {
      // The next look decides again.
      this.#error = error instanceof Error ? error.message : String(error);
      for (const { share } of start) {
        this.#held.delete(share);
        this.#wasLive.delete(share);
      }
    }).finally(() => {
      this.#applying = null;
      this.#starting.clear();
    });
  }

  /** Starts the shares held last, if the engine is away from the start: collecting twice is harmless, a gap is not. */
  #startKept(kept: readonly number[]): void {
    const { clock } = this.#options.host;
    const { member, plan } = this.#options;
    if (this.#away === null || kept.length === 0 || this.#applying !== null || this.#held.size > 0) return;
    if (clock.monotonicMs() - this.#beganMs < plan.ttlMs || this.#state !== "active") return;
    this.#change({ start: kept.map((share) => ({ share, from: member, fromTs: null, journal: null })), stop: [] });
  }

  async #onEngineLost(error: unknown): Promise<void> {
    const engine = this.#engine;
    this.#engine = null;
    // The last write may or may not have been stored.
    this.#revision = null;
    this.#setAway(error instanceof Failure ? error.message : `A bug of the program: ${String(error)}`);
    this.#handed?.([]);
    await engine?.close();
  }

  #setAway(error: string | null): void {
    const { observe, host, plan: { engine } } = this.#options;
    const before = this.#away;
    if (error === null) this.#away = null;
    else this.#away = { error, since: before?.since ?? host.clock.nowMicros() };
    if ((before === null) !== (error === null)) observe({ kind: "group_engine", engine, error });
  }

  async #watchPace(): Promise<void> {
    const { clock } = this.#options.host;
    while (!this.#ended.signal.aborted) {
      await clock.sleep(this.#lookMs, this.#ended.signal);
      this.#beat(this.#lookMs);
    }
  }

  /** Notes that the process runs. After a standstill no share counts as live for a while. */
  #beat(expectedMs: number): void {
    const { clock } = this.#options.host;
    const nowMs = clock.monotonicMs();
    const { ttlMs } = this.#options.plan;
    if (nowMs - this.#beatMs >= expectedMs + ttlMs / 2) this.#doubtedUntilMs = nowMs + ttlMs;
    this.#beatMs = nowMs;
  }
}
