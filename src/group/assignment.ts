import { rendezvousWeight } from "../model/mod.ts";
import type { Layout } from "./entry.ts";

/** The members that are to collect each share, by share. */
export type Assignment = ReadonlyMap<number, readonly string[]>;

/**
 * Divides the shares among members: rendezvous hashing (Thaler and Ravishankar, 1998) with a bound on what one member
 * gets. Each pair of a share and a member has a weight; the heaviest pairs are taken first, and a member that has its part
 * of all copies gets no more. Every member that knows the same members comes to the same result. A member that comes or
 * goes moves little but its own part.
 */
export function assignShares({ shares, replicas }: Layout, members: Iterable<string>): Assignment {
  const names = [...new Set(members)].sort();
  const copies = Math.min(replicas, names.length);
  const most = names.length === 0 ? 0 : Math.ceil(shares * copies / names.length);
  const owners = new Map<number, string[]>();
  for (let share = 1; share <= shares; share++) owners.set(share, []);
  const pairs = [...owners.keys()].flatMap((share) =>
    names.map((member) => ({ share, member, weight: rendezvousWeight(member, share) }))
  ).sort((a, b) => b.weight - a.weight || a.share - b.share || (a.member < b.member ? -1 : 1));
  const loads = new Map<string, number>();
  const give = (bound: number) => {
    for (const { share, member } of pairs) {
      const held = owners.get(share) ?? [];
      const load = loads.get(member) ?? 0;
      if (held.length >= copies || load >= bound || held.includes(member)) continue;
      held.push(member);
      loads.set(member, load + 1);
    }
  };
  give(most);
  // Whoever still has room may hold the share already: its further copies go to others, past the bound.
  give(Infinity);
  return owners;
}

/** Returns `assignShares` that remembers its last result: a group is looked at far more often than it changes. */
export function rememberingAssignment(): (layout: Layout, members: readonly string[]) => Assignment {
  let [key, last]: [string, Assignment] = ["", new Map()];
  return (layout, members) => {
    const asked = JSON.stringify([layout, members.toSorted()]);
    if (asked !== key) [key, last] = [asked, assignShares(layout, members)];
    return last;
  };
}
