import { type GroupPlan, type Micros, SHARES_MAX } from "../model/mod.ts";

/**
 * How a member collects a share: `starting` until its data comes, then `live`; `unsure` where others are not to rely on
 * it: its data stays away, the process stood still, or it means to leave the share to others.
 */
export type SharePhase = "starting" | "live" | "unsure";

/** Whether the data of a share comes, or came, to a member. */
export function isCollecting(phase: SharePhase | undefined): boolean {
  return phase === "live" || phase === "unsure";
}

/** `leaving`: it collects until others do. `left`: it has stopped. */
export type MemberState = "active" | "leaving" | "left";

/** Members with another layout divide the streams in another way: each layout is a group of its own. */
export interface Layout {
  readonly shares: number;
  readonly replicas: number;
}

/**
 * What a member says of itself: its lease. It renews the entry all the while; one that stays as it is for longer than its
 * `ttlMs` is that of a member which is gone, and still tells what it collected and until when.
 */
export interface MemberEntry {
  readonly member: string;
  /** Id of its journal: tells its next life from another collector with the same name. */
  readonly journal: string;
  readonly state: MemberState;
  readonly layout: Layout;
  readonly ttlMs: number;
  /** When it said so, by its own clock; of one that has left, from when on it may have collected nothing. */
  readonly at: Micros;
  readonly shares: ReadonlyMap<number, SharePhase>;
}

/** Version of the entries' text. A member leaves out of account what it cannot read. */
const VERSION = 1;

/** Returns the layout that a configuration asks for. */
export function layoutOf({ shares, replicas }: Pick<GroupPlan, "shares" | "replicas">): Layout {
  return { shares, replicas };
}

/** Whether two members divide the streams in the same way. */
export function isSameLayout(a: Layout, b: Layout): boolean {
  return a.shares === b.shares && a.replicas === b.replicas;
}

/** Returns the key of a member's entry: letters, digits, `_`, `-`, and `=` with two digits for each other byte. */
export function entryKey(member: string): string {
  const bytes = new TextEncoder().encode(member);
  return Array.from(bytes, (byte) => {
    const char = String.fromCharCode(byte);
    return /[A-Za-z0-9_-]/.test(char) ? char : `=${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}

/** Returns an entry as text. */
export function encodeEntry({ shares, ttlMs, ...rest }: MemberEntry): string {
  const listed = Object.fromEntries([...shares].sort(([a], [b]) => a - b));
  return JSON.stringify({ v: VERSION, ...rest, ttl_ms: ttlMs, shares: listed });
}

/** Reads an entry; null where it is none, or one of another version. */
export function decodeEntry(text: string): MemberEntry | null {
  const fields = recordOf(parsed(text));
  const layout = recordOf(fields?.layout);
  const phases = recordOf(fields?.shares);
  if (fields === null || layout === null || phases === null || fields.v !== VERSION) return null;
  const { member, journal, state, ttl_ms: ttlMs, at } = fields;
  const { shares: count, replicas } = layout;
  if (typeof member !== "string" || member === "" || typeof journal !== "string") return null;
  if (state !== "active" && state !== "leaving" && state !== "left") return null;
  if (!isCount(ttlMs, Number.MAX_SAFE_INTEGER) || !isCount(at, Number.MAX_SAFE_INTEGER)) return null;
  if (!isCount(count, SHARES_MAX) || !isCount(replicas, SHARES_MAX)) return null;
  const shares = new Map<number, SharePhase>();
  for (const [key, phase] of Object.entries(phases)) {
    const share = Number(key);
    if (!isCount(share, count) || (phase !== "starting" && phase !== "live" && phase !== "unsure")) return null;
    shares.set(share, phase);
  }
  return { member, journal, state, layout: { shares: count, replicas }, ttlMs, at, shares };
}

function isCount(value: unknown, most: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= most;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Readonly<Record<string, unknown>>
    : null;
}
