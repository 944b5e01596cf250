import { type GroupPlan, type Micros, SHARES_MAX } from "../model/mod.ts";

/**
 * How a member collects a share: `starting` until its data comes, then `live`. `unsure` if others must not rely on it:
 * its data has stopped, the process stood still, or it intends to stop the share.
 */
export type SharePhase = "starting" | "live" | "unsure";

/** Whether a member receives the data of a share, or did. */
export function isCollecting(phase: SharePhase | undefined): boolean {
  return phase === "live" || phase === "unsure";
}

/** `leaving`: it collects until others do. `left`: it has stopped. */
export type MemberState = "active" | "leaving" | "left";

/** How the streams are divided. Members with different layouts form separate groups. */
export interface Layout {
  readonly shares: number;
  readonly replicas: number;
}

/**
 * A member's entry, which is its lease. The member renews it; an entry unchanged for longer than its `ttlMs` belongs to
 * a member that is gone, and still says what that member collected and until when.
 */
export interface MemberEntry {
  readonly member: string;
  /** Id of its journal: distinguishes its own next life from another collector with the same name. */
  readonly journal: string;
  readonly state: MemberState;
  readonly layout: Layout;
  readonly ttlMs: number;
  /** When it said so, by its own clock; of one that has left, from when on it may have collected nothing. */
  readonly at: Micros;
  readonly shares: ReadonlyMap<number, SharePhase>;
}

/** Version of the entry format. A member ignores entries that it cannot read. */
const VERSION = 1;

/** Returns the layout of a configuration. */
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

/** Encodes an entry as JSON. */
export function encodeEntry({ shares, ttlMs, ...rest }: MemberEntry): string {
  const listed = Object.fromEntries([...shares].sort(([a], [b]) => a - b));
  return JSON.stringify({ v: VERSION, ...rest, ttl_ms: ttlMs, shares: listed });
}

/** Decodes an entry; null if the text is no entry of this version. */
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
