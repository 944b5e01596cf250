import { createHash } from "node:crypto";
import { canonicalJson } from "../canonical_json.ts";
import type { FrameConnection, FramePlan } from "./frames.ts";

/** `[dedup]`. */
export interface DedupPlan {
  readonly enabled: boolean;
  readonly windowSeconds: number;
  readonly keysMax: number;
}

/** `[books]`: emits the best levels of every kept book as events. */
export interface BookTopPlan {
  /** Levels of each side. */
  readonly levels: number;
  /** Interval of exchange time in ms. The first update in each interval emits an event. */
  readonly intervalMs: number;
}

/** Version of the format of a `DerivationPlan`. Raise it with every change of what a plan may hold or mean. */
export const DERIVATION_VERSION = 1;

/** Everything that the events of one instance are derived from. The journal holds it; records name it by its hash. */
export interface DerivationPlan {
  readonly version: number;
  readonly frames: FramePlan;
  readonly dedup: DedupPlan;
  /** Null if no tops of books are emitted. */
  readonly bookTops: BookTopPlan | null;
}

/** A derivation plan as it is written down. */
export interface DerivationText {
  readonly hash: string;
  /** Canonical JSON. */
  readonly body: string;
}

/**
 * Returns the derivation plan of an instance: its frame plan without sent messages and addresses, which may hold
 * secrets and do not affect events. Addresses that name the symbol of a session are kept.
 */
export function buildDerivation(
  frames: FramePlan,
  run: { readonly dedup: DedupPlan; readonly bookTops: BookTopPlan | null },
): DerivationPlan {
  return {
    version: DERIVATION_VERSION,
    frames: {
      ...frames,
      connections: frames.connections.map((connection) => ({ ...connection, urls: namingUrls(connection) })),
      controls: frames.controls.map((rule) => ({ ...rule, reply: null })),
      books: frames.books.map((rule) => ({ ...rule, requests: {} })),
    },
    dedup: run.dedup,
    bookTops: run.bookTops,
  };
}

/** Returns the addresses that affect events: those that name the symbol, without the query if the path names it. */
function namingUrls({ perSymbol, urls }: FrameConnection): readonly string[] {
  if (perSymbol !== true) return [];
  return urls.map((url) => {
    const [address] = url.split("?", 1);
    return address.includes("{symbol}") ? address : url;
  });
}

/** Returns a derivation plan as text, with its hash. */
export function writeDerivation(plan: DerivationPlan): DerivationText {
  const body = canonicalJson(plan);
  return { hash: planHash(body), body };
}

/** Reads the body of a derivation plan. Null if it is not one, or has a version that this build does not know. */
export function readDerivation(body: string): DerivationPlan | null {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || Reflect.get(value, "version") !== DERIVATION_VERSION) return null;
  return value as DerivationPlan;
}

/** Returns the hash that names a plan: the first 128 bits of the SHA-256 of its canonical JSON, as 32 hex digits. */
export function planHash(body: string): string {
  return createHash("sha256").update(body).digest("hex").slice(0, 32);
}
