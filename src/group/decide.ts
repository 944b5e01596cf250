import type { Micros } from "../model/mod.ts";
import { type Assignment, assignShares } from "./assignment.ts";
import { isCollecting, isSameLayout, type Layout, type MemberState } from "./entry.ts";
import type { SeenMember } from "./member_table.ts";

/** A share that is to be collected from now on. */
export interface ShareStart {
  readonly share: number;
  /** Who collected it, or still does; null where nobody is known to have. */
  readonly from: string | null;
  /** Until when it was collected, where nobody does any more: the hole begins there. Null where there is no hole to tell. */
  readonly fromTs: Micros | null;
  /** Id of the journal of the collector that had it until then; null where there is no hole to tell. */
  readonly journal: string | null;
}

/** A share that others collect by now. */
export interface ShareStop {
  readonly share: number;
  readonly to: string;
}

/** What a member knows of itself. */
export interface SelfView {
  readonly member: string;
  readonly journal: string;
  readonly layout: Layout;
  readonly state: MemberState;
  readonly held: ReadonlySet<number>;
}

/** What is to be done, and who is to collect what. */
export interface Decision {
  readonly start: readonly ShareStart[];
  readonly stop: readonly ShareStop[];
  readonly assignment: Assignment;
}

/**
 * Decides what a member starts and stops, from the entries of all members. It starts what falls to it by the assignment,
 * and stops a share only where every member that is to collect it says, in an entry of now, that its data comes: make
 * before break. Such a stop is an intention: it is carried out where it still holds after the own entry has said so, for
 * the others may mean to stop the same share. Two members that see the group differently for a moment both collect a share; none ever stops because it
 * sees nothing.
 */
export function decide(
  self: SelfView,
  all: readonly SeenMember[],
  assign: (layout: Layout, members: readonly string[]) => Assignment = assignShares,
): Decision {
  const others = all.filter((one) => one.member !== self.member && isSameLayout(one.layout, self.layout));
  const alive = others.filter(({ isAlive }) => isAlive);
  const candidates = alive.filter(({ state }) => state === "active").map(({ member }) => member);
  if (self.state === "active") candidates.push(self.member);
  const assignment = assign(self.layout, candidates);
  const start: ShareStart[] = [];
  const stop: ShareStop[] = [];
  for (const [share, owners] of assignment) {
    const isHeld = self.held.has(share);
    if (owners.includes(self.member)) {
      if (!isHeld) start.push({ share, ...predecessorOf(share, self, all) });
      continue;
    }
    const areLive = owners.every((owner) =>
      alive.some(({ member, isConfirmed, shares }) => member === owner && isConfirmed && shares.get(share) === "live")
    );
    if (isHeld && owners.length > 0 && areLive) stop.push({ share, to: owners[0] });
  }
  return { start, stop, assignment };
}

/** Who collected a share last, and until when where nobody does. */
function predecessorOf(
  share: number,
  self: SelfView,
  all: readonly SeenMember[],
): Omit<ShareStart, "share"> {
  const had = all.filter(({ layout, shares }) => isSameLayout(layout, self.layout) && isCollecting(shares.get(share)));
  const isOwn = ({ member, journal }: SeenMember) => member === self.member && journal === self.journal;
  const present = had.find((one) => one.isAlive && !isOwn(one));
  if (present !== undefined) return { from: present.member, fromTs: null, journal: null };
  const [last] = had.toSorted((a, b) => b.at - a.at);
  if (last === undefined) return { from: null, fromTs: null, journal: null };
  // What this collector's own journal misses it tells by itself.
  if (isOwn(last)) return { from: last.member, fromTs: null, journal: null };
  return { from: last.member, fromTs: last.at, journal: last.journal };
}
