import {
  type GroupEngine,
  GroupMember,
  type NotedStream,
  type ShareChange,
  type StoredEntry,
} from "../../src/group/mod.ts";
import type { Host } from "../../src/host/mod.ts";
import { Failure, type GroupPlan, type Observation } from "../../src/model/mod.ts";
import { ManualClock } from "../support/manual_clock.ts";

export const TTL_MS = 3_000;
const STEP_MS = 50;

/** An engine in memory on simulated time, with its own clock. */
export class MemoryEngine {
  readonly entries = new Map<string, StoredEntry>();
  readonly notes = new Map<string, string>();
  refusesNotes = false;
  /** Whether it answers; one that does not fails every call. */
  isAway = false;
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  /** A connection of one member. `isCut`: whether the member is cut off. */
  connect(isCut: () => boolean): GroupEngine {
    const check = () => {
      if (this.isAway || isCut()) throw new Failure("connect", "Cannot reach the engine");
    };
    return {
      put: (key, value, expected) =>
        settle(() => {
          check();
          const before = this.entries.get(key)?.revision ?? 0;
          if (before !== expected) return null;
          this.entries.set(key, { key, value, revision: before + 1, storedAt: this.#clock.nowMicros() });
          return before + 1;
        }),
      list: () =>
        settle(() => {
          check();
          return { now: this.#clock.nowMicros(), entries: [...this.entries.values()] };
        }),
      putNote: (key, text) =>
        settle(() => {
          check();
          if (this.refusesNotes) throw new Failure("sink", "The engine takes no text of that length");
          this.notes.set(key, text);
        }),
      note: (key) =>
        settle(() => {
          check();
          return this.notes.get(key) ?? null;
        }),
      close: () => Promise.resolve(),
    };
  }
}

/** A member with what it collects: a share's data comes some time after it was asked for. */
export class WorldMember {
  readonly name: string;
  readonly journal: string;
  readonly clock = new ManualClock();
  readonly seen: Observation[] = [];
  readonly changes: ShareChange[] = [];
  readonly files = new Map<string, string>();
  /** When each share that is held began to show data, or will. */
  readonly liveFrom = new Map<number, number>();
  /** What it has last of its streams. */
  last: readonly NotedStream[] = [];
  isCut = false;
  member: GroupMember | null = null;
  readonly #world: GroupWorld;

  constructor(world: GroupWorld, name: string, journal = `journal of ${name}`) {
    this.#world = world;
    this.name = name;
    this.journal = journal;
  }

  start(): void {
    const { engine, plan } = this.#world;
    const files = {
      readText: (path: string) => Promise.resolve(this.files.get(path) ?? null),
      writeAtomic: (path: string, bytes: Uint8Array) => {
        this.files.set(path, new TextDecoder().decode(bytes));
        return Promise.resolve();
      },
    };
    this.member = new GroupMember({
      plan,
      member: this.name,
      journal: this.journal,
      host: { clock: this.clock, files } as unknown as Host,
      observe: (seen) => this.seen.push(seen),
      path: "group.json",
      apply: (change) => this.#apply(change),
      isLive: (share) => (this.liveFrom.get(share) ?? Infinity) <= this.clock.monotonicMs(),
      lastSeen: () => Promise.resolve({ at: this.clock.nowMicros(), last: this.last }),
      open: () => settle(() => engine.connect(() => this.isCut)),
    });
    this.member.start();
  }

  /** As `kill -9`: nothing of it goes on, and the engine keeps what it last said. */
  kill(): void {
    this.liveFrom.clear();
    this.member = null;
    this.#world.leave(this);
  }

  #apply(change: ShareChange): Promise<void> {
    this.changes.push(change);
    const liveMs = this.clock.monotonicMs() + this.#world.startMs;
    for (const { share } of change.start) this.liveFrom.set(share, liveMs);
    for (const { share } of change.stop) this.liveFrom.delete(share);
    return Promise.resolve();
  }
}

/** Several members of one group on simulated time. */
export class GroupWorld {
  readonly clock = new ManualClock();
  readonly engine = new MemoryEngine(this.clock);
  readonly plan: GroupPlan;
  readonly startMs: number;
  readonly #members: WorldMember[] = [];
  /** Members that stand still, as after SIGSTOP. */
  readonly paused = new Set<WorldMember>();
  readonly #lag = new Map<WorldMember, number>();

  constructor({ shares = 8, replicas = 1, startMs = 400 }: {
    readonly shares?: number;
    readonly replicas?: 1 | 2;
    readonly startMs?: number;
  } = {}) {
    this.startMs = startMs;
    this.plan = { engine: "nats", url: "", caPath: null, credsPath: null, name: "g", ttlMs: TTL_MS, replicas, shares };
  }

  join(
    name: string,
    options: { readonly journal?: string; readonly files?: ReadonlyMap<string, string> } = {},
  ): WorldMember {
    const member = new WorldMember(this, name, options.journal);
    member.clock.advance(this.clock.monotonicMs() - member.clock.monotonicMs());
    for (const [path, text] of options.files ?? []) member.files.set(path, text);
    this.#members.push(member);
    member.start();
    return member;
  }

  leave(member: WorldMember): void {
    this.#members.splice(this.#members.indexOf(member), 1);
  }

  /** Lets time pass; `look` is called after every step. */
  async run(ms: number, look: () => void = () => {}): Promise<void> {
    for (let passed = 0; passed < ms; passed += STEP_MS) {
      this.clock.advance(STEP_MS);
      for (const member of this.#members) {
        const lag = (this.#lag.get(member) ?? 0) + STEP_MS;
        if (this.paused.has(member)) {
          this.#lag.set(member, lag);
          continue;
        }
        this.#lag.set(member, 0);
        member.clock.advance(lag);
      }
      for (let turn = 0; turn < 30; turn++) await Promise.resolve();
      look();
    }
  }

  /** How many members show data of each share. */
  coverage(): readonly number[] {
    return Array.from(
      { length: this.plan.shares },
      (_, index) =>
        this.#members.filter((member) =>
          !this.paused.has(member) && (member.liveFrom.get(index + 1) ?? Infinity) <= member.clock.monotonicMs()
        ).length,
    );
  }
}

/** Resolves or rejects as a call that came back from elsewhere. */
async function settle<T>(call: () => T): Promise<T> {
  await Promise.resolve();
  return call();
}
