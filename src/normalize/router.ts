import { type JsonDocument, type NodeId, type Path, pathSource, type Predicate } from "../json/mod.ts";
import type { ReadContext } from "./context.ts";

/** Up to this many values are compared with the frame's bytes; more are looked up by their text. */
const VALUES_COMPARED_MAX = 16;

/** Candidates that one look-up chooses: those whose predicate needs the value found at `path`. */
interface Group {
  readonly path: Path;
  readonly candidates: ReadonlyMap<string, readonly number[]>;
  /** The same by the UTF-8 of the values, where they are few enough to be compared one after the other; else null. */
  readonly few: readonly { readonly bytes: Uint8Array; readonly candidates: readonly number[] }[] | null;
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
    this.#groups = [...groups.values()].map(({ path, candidates }) => ({
      path,
      candidates,
      few: candidates.size > VALUES_COMPARED_MAX ? null : [...candidates].map(([value, ordinals]) => ({
        bytes: new TextEncoder().encode(value),
        candidates: ordinals,
      })),
    }));
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
      const node = document.find(group.path, 0);
      const candidates = choose(document, node, group);
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

function choose(document: JsonDocument, node: NodeId, group: Group): readonly number[] | undefined {
  if (group.few !== null) {
    for (const { bytes, candidates } of group.few) if (document.equals(node, bytes)) return candidates;
    if (!document.isEscaped(node)) return undefined;
  }
  const value = document.text(node);
  return value === null ? undefined : group.candidates.get(value);
}
