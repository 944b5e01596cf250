import type { GroupMemberStatus, GroupStatus } from "../model/mod.ts";
import { isCollecting, isSameLayout, type Layout, type SharePhase } from "./entry.ts";
import type { SeenMember } from "./member_table.ts";

/** Returns the state of each member, by name. */
export function memberStatuses(members: readonly SeenMember[], layout: Layout): readonly GroupMemberStatus[] {
  return members.map((seen) => ({
    name: seen.member,
    state: stateOf(seen, layout),
    heardTs: seen.at,
    live: sharesIn(seen.shares, true),
    starting: sharesIn(seen.shares, false),
  }));
}

/** Returns the shares that no live member collects, in order. */
export function uncoveredShares(members: readonly SeenMember[], layout: Layout): GroupStatus["uncovered"] {
  const covered = new Set(
    members.flatMap((seen) => seen.isAlive && isSameLayout(seen.layout, layout) ? sharesIn(seen.shares, true) : []),
  );
  return Array.from({ length: layout.shares }, (_, index) => index + 1).filter((share) => !covered.has(share));
}

function stateOf({ state, isAlive, layout: own }: SeenMember, layout: Layout): GroupMemberStatus["state"] {
  if (state === "left") return "left";
  if (!isAlive) return "gone";
  return isSameLayout(own, layout) ? state : "other_layout";
}

function sharesIn(shares: ReadonlyMap<number, SharePhase>, collecting: boolean): readonly number[] {
  return [...shares].flatMap(([share, phase]) => isCollecting(phase) === collecting ? [share] : []).sort((a, b) =>
    a - b
  );
}
