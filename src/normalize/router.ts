import { type JsonDocument, type NodeId, type Path, pathSource } from "../json/mod.ts";
import type { CompiledPredicate, Scope } from "../program/mod.ts";
import type { ReadContext } from "./context.ts";

/** Most values of a group that are compared with the frame's bytes; more are looked up by text. */
const VALUES_COMPARED_MAX = 16;

/** Candidates selected by one look-up: the rules whose predicate requires certain values at `path`. */
interface Group {
  readonly path: Path;
  readonly candidates: ReadonlyMap<string, readonly number[]>;
  /** The same by the UTF-8 of the values; null if there are more than VALUES_COMPARED_MAX. */
  readonly few: readonly { readonly bytes: Uint8Array; readonly candidates: readonly number[] }[] | null;
  /** Rules that require a text with one of these prefixes (UTF-8) at `path`. */
  readonly beginnings: readonly { readonly prefixes: readonly Uint8Array[]; readonly ordinal: number }[];
}

/**
 * Finds the rules whose predicate holds for a frame. Rules that require certain values at the same path are selected by
 * one look-up; only those, and rules that cannot be selected this way, are tested.
 */
export class Router {
  readonly #predicates: readonly CompiledPredicate[];
  /** The remaining test of each selected rule; null if the look-up decides. */
  readonly #tests: readonly (CompiledPredicate["test"] | null)[];
  readonly #groups: readonly Group[];
  readonly #always: readonly number[];
  /** Ordinals of the rules that matched the last frame, in their own order. Reused. */
  readonly matches: number[] = [];

  /** `predicates` in the order of the rules. */
  constructor(predicates: readonly CompiledPredicate[]) {
    const groups = new Map<string, GroupRules>();
    const always: number[] = [];
    predicates.forEach(({ discriminator }, ordinal) => {
      if (discriminator === null) {
        always.push(ordinal);
        return;
      }
      const key = pathSource(discriminator.path);
      const group: GroupRules = groups.get(key) ?? { path: discriminator.path, candidates: new Map(), beginnings: [] };
      groups.set(key, group);
      for (const value of discriminator.values) {
        const candidates = group.candidates.get(value);
        if (candidates === undefined) group.candidates.set(value, [ordinal]);
        else candidates.push(ordinal);
      }
      const prefixes = discriminator.prefixes.map(encode);
      if (prefixes.length > 0) group.beginnings.push({ prefixes, ordinal });
    });
    this.#tests = predicates.map(({ test, discriminator }) => discriminator?.decides === true ? null : test);
    this.#predicates = predicates;
    this.#groups = [...groups.values()].map((group) => ({
      ...group,
      few: group.candidates.size > VALUES_COMPARED_MAX
        ? null
        : [...group.candidates].map(([value, candidates]) => ({ bytes: encode(value), candidates })),
    }));
    this.#always = always;
  }

  /** Fills `matches` for the frame; true if there are any. */
  match(context: ReadContext): boolean {
    const matches = this.matches;
    const { document, scope } = context;
    matches.length = 0;
    context.atRoot();
    for (const ordinal of this.#always) this.#consider(ordinal, scope);
    for (const group of this.#groups) {
      const node = document.find(group.path, 0);
      if (node < 0) continue;
      const candidates = choose(document, node, group);
      if (candidates !== undefined) { for (const ordinal of candidates) this.#consider(ordinal, scope); }
      if (group.beginnings.length > 0) this.#considerBeginnings(context, node, group);
    }
    for (let i = 1; i < matches.length; i++) {
      if (matches[i] > matches[i - 1]) continue;
      matches.sort((left, right) => left - right);
      break;
    }
    return matches.length > 0;
  }

  /** Adds a selected rule to the matches if its predicate holds. */
  #consider(ordinal: number, scope: Scope): void {
    const test = this.#tests[ordinal];
    if (test === null || test(scope)) this.matches.push(ordinal);
  }

  #considerBeginnings({ document, scope }: ReadContext, node: NodeId, { beginnings }: Group): void {
    if (document.isEscaped(node)) {
      for (const { ordinal } of beginnings) if (this.#predicates[ordinal].test(scope)) this.matches.push(ordinal);
      return;
    }
    for (const { prefixes, ordinal } of beginnings) {
      for (const prefix of prefixes) {
        if (!document.startsWith(node, prefix)) continue;
        this.#consider(ordinal, scope);
        break;
      }
    }
  }
}

/** A group while its rules are collected. */
interface GroupRules {
  readonly path: Path;
  readonly candidates: Map<string, number[]>;
  readonly beginnings: { readonly prefixes: readonly Uint8Array[]; readonly ordinal: number }[];
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function choose(document: JsonDocument, node: NodeId, group: Group): readonly number[] | undefined {
  if (group.few !== null) {
    for (const { bytes, candidates } of group.few) if (document.equals(node, bytes)) return candidates;
    if (!document.isEscaped(node)) return undefined;
  }
  const value = document.text(node);
  return value === null ? undefined : group.candidates.get(value);
}
