import {
  type BookRule,
  type BookTopPlan,
  type Channel,
  type DedupPlan,
  type FramePlan,
  PLANS_MAX,
  readDerivation,
  type TradeIdOrder,
} from "../model/mod.ts";
import { Normalizer } from "../normalize/mod.ts";

/** A compiled derivation plan. */
export interface CompiledDerivation {
  readonly frames: FramePlan;
  readonly dedup: DedupPlan;
  /** Null: no tops of books are emitted. */
  readonly bookTops: BookTopPlan | null;
  readonly normalizer: Normalizer;
  /**
   * The book that each event rule feeds, by the rule's name; null if the plan has neither books nor a frame counter.
   */
  readonly bookRules: ReadonlyMap<string, BookRule> | null;
  /** Canonical symbol → native spelling. */
  readonly natives: ReadonlyMap<string, string>;
  /** Channels whose last events are remembered, to find missing ones; null if there are none. */
  readonly followed: ReadonlySet<Channel> | null;
  /** Names of requests whose answers fill gaps. */
  readonly fills: ReadonlySet<string>;
  /** Order of trade ids; null: unknown. */
  readonly tradeIds: TradeIdOrder | null;
}

/** Compiles the derivation plan of an instance. */
export function compileDerivation(
  frames: FramePlan,
  run: { readonly dedup: DedupPlan; readonly bookTops: BookTopPlan | null },
): CompiledDerivation {
  const natives = new Map<string, string>();
  for (const { canonical } of frames.connections) {
    for (const [native, symbol] of Object.entries(canonical)) natives.set(symbol, native);
  }
  const keepsNothing = frames.books.length === 0 && frames.socketSequence === null;
  const bookRules = keepsNothing
    ? null
    : new Map(frames.books.flatMap((book) => book.rules.map((rule) => [rule, book] as const)));
  return { frames, ...run, normalizer: new Normalizer(frames), bookRules, natives, ...compileFills(frames) };
}

function compileFills(
  { fills = [], tradeIds }: FramePlan,
): Pick<CompiledDerivation, "followed" | "fills" | "tradeIds"> {
  const followed = new Set<Channel>(fills.map(({ channel }) => channel));
  if (tradeIds === "consecutive") followed.add("trades");
  return {
    followed: followed.size === 0 ? null : followed,
    fills: new Set(fills.map(({ request }) => request)),
    tradeIds: tradeIds ?? null,
  };
}

/**
 * Plans by hash, compiled at their first use. Bounded: past PLANS_MAX plans the oldest is evicted; sessions keep the
 * plan that they have.
 */
export class PlanStore {
  readonly #bodies = new Map<string, string>();
  readonly #adapt: (frames: FramePlan) => FramePlan;
  readonly #compiled = new Map<string, CompiledDerivation | null>();

  /** `adapt` changes every plan before it is compiled. */
  constructor(adapt: (frames: FramePlan) => FramePlan = (frames) => frames) {
    this.#adapt = adapt;
  }

  /** Adds a plan as it was written to the journal. */
  add(hash: string, body: string): void {
    if (this.#bodies.has(hash)) return;
    if (this.#bodies.size >= PLANS_MAX) this.#evictOldest();
    this.#bodies.set(hash, body);
  }

  /** Returns the compiled plan; null if it is unknown or this build cannot read it. */
  get(hash: string): CompiledDerivation | null {
    const known = this.#compiled.get(hash);
    if (known !== undefined) return known;
    const body = this.#bodies.get(hash);
    if (body === undefined) return null;
    const plan = readDerivation(body);
    const compiled = plan === null ? null : compileDerivation(this.#adapt(plan.frames), plan);
    this.#compiled.set(hash, compiled);
    return compiled;
  }

  /** Returns the text of a plan; null if it is unknown. */
  bodyOf(hash: string): string | null {
    return this.#bodies.get(hash) ?? null;
  }

  #evictOldest(): void {
    for (const hash of this.#bodies.keys()) {
      this.#bodies.delete(hash);
      this.#compiled.delete(hash);
      return;
    }
  }
}

/** Names a session's plan: by its hash, or, in journals without plans, by the instance and its descriptor. */
export interface PlanName {
  readonly exchange: string;
  readonly planHash: string | null;
  readonly descriptorHash: string;
}

/** All plans: those of the journal by hash, and one per instance for sessions that name none. */
export class Plans {
  readonly store: PlanStore;
  readonly #unnamed = new Map<
    string,
    { readonly derivation: CompiledDerivation; readonly descriptorHash: string | null }
  >();

  constructor(store: PlanStore) {
    this.store = store;
  }

  /**
   * Sets the plan for sessions of an instance that name none: only those with `descriptorHash`, or all if it is null.
   */
  setUnnamed(derivation: CompiledDerivation, descriptorHash: string | null): void {
    this.#unnamed.set(derivation.frames.exchange, { derivation, descriptorHash });
  }

  /** Returns the plan of a session or an answer; null if it is unknown. */
  resolve({ exchange, planHash, descriptorHash }: PlanName): CompiledDerivation | null {
    if (planHash !== null) return this.store.get(planHash);
    const unnamed = this.#unnamed.get(exchange);
    if (unnamed === undefined) return null;
    const isFor = unnamed.descriptorHash === null || descriptorHash === "" || descriptorHash === unnamed.descriptorHash;
    return isFor ? unnamed.derivation : null;
  }
}
