import type { Micros } from "../model/mod.ts";
import { type Assignment, assignShares } from "./assignment.ts";
import { isCollecting, isSameLayout, type Layout, type MemberState } from "./entry.ts";
import type { SeenMember } from "./member_table.ts";

/** A share to start collecting. */
export interface ShareStart {
  readonly share: number;
  /** Who collected it, or still does; null if nobody is known to have. */
  readonly from: string | null;
  /**
   * When nobody collects it any more: until when it was collected, which is where the gap begins. Null if there is no
   * gap.
   */
  readonly fromTs: Micros | null;
  /** Id of the journal of the collector that had it until then; null if there is no gap. */
  readonly journal: string | null;
}

/** A share to stop collecting, because others collect it. */
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

/** The shares to start and stop, and the assignment behind them. */
export interface Decision {
  readonly start: readonly ShareStart[];
  readonly stop: readonly ShareStop[];
  readonly assignment: Assignment;
}

/**
 * Decides which shares a member starts and stops, from the entries of all members. It starts the shares assigned to it.
 * It stops a share only when every assigned member confirms that it receives the share's data (make before break). A
 * stop is first an intention in the member's own entry, and is carried out if it still holds after that, because
 * another member may intend to stop the same share. Members that see the group differently for a moment both collect a
 * share; a member that sees nothing stops nothing.
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

/** Returns who collected a share last, and until when if nobody does now. */
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
  // A gap in this collector's own journal is recorded there.
  if (isOwn(last)) return { from: last.member, fromTs: null, journal: null };
  return { from: last.member, fromTs: last.at, journal: last.journal };
}
