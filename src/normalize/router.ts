import { type Path, pathSource, type Predicate } from "../json/mod.ts";
import type { ReadContext } from "./context.ts";

/** Candidates that one look-up chooses: those whose predicate needs the value found at `path`. */
interface Group {
  readonly path: Path;
  readonly candidates: ReadonlyMap<string, readonly number[]>;
}

/**
 * Finds the rules whose predicate holds for a frame. Rules that ask for certain values at the same place are chosen by
 * one look-up there; only the chosen ones, and those that cannot be chosen this way, are tested.
 */
export class Router {
  readonly #predicates: readonly Predicate[];
  readonly #groups: readonly Group[];
  readonly #always: readonly number[];
  /** Ordinals of the rules that matched the last frame, in their own order. Reused. */
  readonly matches: number[] = [];

  /** `predicates` in the order of the rules. */
  constructor(predicates: readonly Predicate[]) {
    const groups = new Map<string, { readonly path: Path; readonly candidates: Map<string, number[]> }>();
    const always: number[] = [];
    predicates.forEach(({ discriminator }, ordinal) => {
      if (discriminator === null) {
        always.push(ordinal);
        return;
      }
      const key = pathSource(discriminator.path);
      const group = groups.get(key) ?? { path: discriminator.path, candidates: new Map<string, number[]>() };
      groups.set(key, group);
      for (const value of discriminator.values) {
        const candidates = group.candidates.get(value);
        if (candidates === undefined) group.candidates.set(value, [ordinal]);
        else candidates.push(ordinal);
      }
    });
    this.#predicates = predicates;
    this.#groups = [...groups.values()];
    this.#always = always;
  }

  /** Fills `matches` for the frame; true where there are any. */
  match(context: ReadContext): boolean {
    const matches = this.matches;
    const document = context.document;
    matches.length = 0;
    context.atRoot();
    let sources = this.#test(context, this.#always);
    for (const group of this.#groups) {
      const value = document.text(document.find(group.path, 0));
      const candidates = value === null ? undefined : group.candidates.get(value);
      if (candidates !== undefined) sources += this.#test(context, candidates);
    }
    if (sources > 1) matches.sort((left, right) => left - right);
    return matches.length > 0;
  }

  /** Tests candidates; 1 where one of them matched, else 0. */
  #test(context: ReadContext, candidates: readonly number[]): number {
    const before = this.matches.length;
    for (const ordinal of candidates) if (this.#predicates[ordinal].test(context.scope)) this.matches.push(ordinal);
    return this.matches.length > before ? 1 : 0;
  }
}
