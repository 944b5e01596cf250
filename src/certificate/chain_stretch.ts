import type { ChainLink } from "../journal/mod.ts";
import type { Micros } from "../model/mod.ts";
import type { CertifiedChain } from "./certificate.ts";

/** Returns the links of a chain whose segments were written within a stretch of time, as one stretch. */
export function chainWithin(
  links: readonly ChainLink[],
  [from, to]: readonly [Micros, Micros],
): readonly CertifiedChain[] {
  const own = links.filter((link, at) => link.created_ts < to && (links.at(at + 1)?.created_ts ?? Infinity) > from);
  const [first] = own;
  const last = own.at(-1);
  if (first === undefined || last === undefined) return [];
  return [{
    journal: first.journal,
    first_offset: first.first_offset,
    next_offset: last.next_offset,
    segments: own.length,
    before: first.previous,
    after: last.value,
  }];
}
