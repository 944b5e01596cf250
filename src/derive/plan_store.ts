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

/** What the frames of a session are derived by, ready to run. */
export interface CompiledDerivation {
  readonly frames: FramePlan;
  readonly dedup: DedupPlan;
  /** Null: no tops of books are derived. */
  readonly bookTops: BookTopPlan | null;
  readonly normalizer: Normalizer;
  /** The book that each event rule feeds, by the rule's name; null where the plan keeps and counts nothing. */
  readonly bookRules: ReadonlyMap<string, BookRule> | null;
  /** Canonical symbol → native spelling. */
  readonly natives: ReadonlyMap<string, string>;
  /** Channels whose last events are remembered, to tell what is missing behind them; null where none are. */
  readonly followed: ReadonlySet<Channel> | null;
  /** Names of requests whose answers fill what streams have missed. */
  readonly fills: ReadonlySet<string>;
  /** What ids of trades say of their order; null: nothing. */
  readonly tradeIds: TradeIdOrder | null;
}

/** Compiles what an instance's events follow from. */
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
 * Plans by hash, compiled when they are first asked for. Bounded: past PLANS_MAX plans the one that was added first is
 * evicted; sessions keep the plan that they began with.
 */
export class PlanStore {
  readonly #bodies = new Map<string, string>();
  readonly #adapt: (frames: FramePlan) => FramePlan;
  readonly #compiled = new Map<string, CompiledDerivation | null>();

  /** `adapt`: what is changed of every plan before it is used; nothing where it is not given. */
  constructor(adapt: (frames: FramePlan) => FramePlan = (frames) => frames) {
    this.#adapt = adapt;
  }

  /** Adds a plan as it was written to the journal. */
  add(hash: string, body: string): void {
    if (this.#bodies.has(hash)) return;
    if (this.#bodies.size >= PLANS_MAX) this.#evictOldest();
    this.#bodies.set(hash, body);
  }

  /** Returns the plan; null where it is unknown or cannot be read by this build. */
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

  /** Returns the text of a plan; null where it is unknown. */
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

/** What names a session's plan: its hash, or in journals that hold no plans the instance and its descriptor. */
export interface PlanName {
  readonly exchange: string;
  readonly planHash: string | null;
  readonly descriptorHash: string;
}

/** Every plan there is: those of the journal by hash, and one an instance for sessions that name none. */
export class Plans {
  readonly store: PlanStore;
  readonly #unnamed = new Map<
    string,
    { readonly derivation: CompiledDerivation; readonly descriptorHash: string | null }
  >();

  constructor(store: PlanStore) {
    this.store = store;
  }

  /** Sets the plan of an instance's sessions that name none. `descriptorHash`: only of that descriptor; null: of any. */
  setUnnamed(derivation: CompiledDerivation, descriptorHash: string | null): void {
    this.#unnamed.set(derivation.frames.exchange, { derivation, descriptorHash });
  }

  /** Returns what a session or an answer is derived by; null where that is unknown. */
  resolve({ exchange, planHash, descriptorHash }: PlanName): CompiledDerivation | null {
    if (planHash !== null) return this.store.get(planHash);
    const unnamed = this.#unnamed.get(exchange);
    if (unnamed === undefined) return null;
    const isFor = unnamed.descriptorHash === null || descriptorHash === "" || descriptorHash === unnamed.descriptorHash;
    return isFor ? unnamed.derivation : null;
  }
}
