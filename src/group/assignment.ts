import { rendezvousWeight } from "../model/mod.ts";
import type { Layout } from "./entry.ts";

/** The members that should collect each share. */
export type Assignment = ReadonlyMap<number, readonly string[]>;

/**
 * Divides the shares among members: rendezvous hashing (Thaler and Ravishankar, 1998) with a bound on the load of one
 * member. Each pair of share and member has a weight; the heaviest pairs are assigned first, up to the bound. Members
 * that see the same members compute the same result. A member that joins or leaves moves little more than its own part.
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
  // The members below the bound may hold the share already: its other copies go to other members, past the bound.
  give(Infinity);
  return owners;
}

/**
 * Returns `assignShares` with a memory of its last result, because a group changes far less often than it is checked.
 */
export function rememberingAssignment(): (layout: Layout, members: readonly string[]) => Assignment {
  let [key, last]: [string, Assignment] = ["", new Map()];
  return (layout, members) => {
    const asked = JSON.stringify([layout, members.toSorted()]);
    if (asked !== key) [key, last] = [asked, assignShares(layout, members)];
    return last;
  };
}
