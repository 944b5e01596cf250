import { createHash } from "node:crypto";
import type { Files } from "../host/mod.ts";
import { Failure, type Micros, type Offset } from "../model/mod.ts";
import { digestOf } from "./digest.ts";
import { plainName, sealedName } from "./names.ts";
import { readJournalId } from "./own_segments.ts";
import type { Segment } from "./segment.ts";

/** A sealed segment's place in the hash chain of its journal. */
export interface ChainLink {
  readonly journal: string;
  readonly first_offset: Offset;
  readonly next_offset: Offset;
  /** When the segment was begun. */
  readonly created_ts: Micros;
  /** Of the sealed file, in hexadecimal digits. */
  readonly sha256: string;
  /** Value of the previous link; for the first one the journal's id. */
  readonly previous: string;
  /** SHA-256 of `previous`, `first_offset`, `next_offset` and `sha256`, separated by spaces. */
  readonly value: string;
}

/** Name of the file in a journal's folder, with one link per line. */
export const CHAIN_NAME = "chain.jsonl";

/** Adds the sealed segments of a journal to its hash chain, in order. */
export class HashChain {
  readonly #files: Files;
  readonly #dir: string;
  #last: ChainLink | null = null;
  #isLoaded = false;

  constructor(files: Files, dir: string) {
    this.#files = files;
    this.#dir = dir;
  }

  /** Adds sealed segments that are not in the chain yet, up to the first unsealed one. */
  async follow(segments: readonly Segment[], journal: string): Promise<void> {
    if (!this.#isLoaded) this.#last = await mendEnd(this.#files, this.#dir);
    // After a failure a link may or may not be in the file, so the file is read again.
    this.#isLoaded = false;
    for (const segment of [...segments]) {
      if (this.#last !== null && segment.firstOffset < this.#last.next_offset) continue;
      if (!segment.sealed) break;
      const { sha256 } = await digestOf(this.#files, `${this.#dir}/${sealedName(segment.firstOffset)}`);
      await this.#add(segment, journal, sha256);
    }
    this.#isLoaded = true;
  }

  async #add(segment: Segment, journal: string, sha256: string): Promise<void> {
    const place = { first_offset: segment.firstOffset, next_offset: segment.nextOffset };
    const previous = this.#last?.value ?? journal;
    const value = valueOf({ ...place, previous, sha256 });
    const link: ChainLink = { journal, ...place, created_ts: segment.createdAt, sha256, previous, value };
    const file = await this.#files.open(`${this.#dir}/${CHAIN_NAME}`, "append");
    try {
      await file.write(new TextEncoder().encode(`${JSON.stringify(link)}\n`));
      await file.sync();
    } finally {
      await file.close();
    }
    this.#last = link;
  }
}

/** Returns the value of a link. */
function valueOf(link: Pick<ChainLink, "previous" | "first_offset" | "next_offset" | "sha256">): string {
  const { previous, first_offset, next_offset, sha256 } = link;
  return createHash("sha256").update(`${previous} ${first_offset} ${next_offset} ${sha256}`).digest("hex");
}

/**
 * Reads the hash chain of a journal; empty if it has none yet. A last line that a crash cut off is ignored. Rejects
 * with a `Failure` of code `corrupt` if another line is no link.
 */
export async function readChain(files: Files, dir: string): Promise<readonly ChainLink[]> {
  const path = `${dir}/${CHAIN_NAME}`;
  const text = await files.readText(path) ?? "";
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole.split("\n").filter((line) => line !== "").map((line, at) => {
    const link = parse(line);
    if (isLink(link)) return link;
    throw new Failure("corrupt", `Cannot read ${path}:${at + 1}: it is no link of a hash chain`, { retry: false });
  });
}

/** Compares a link with the previous one and with its segment, if that still exists; returns what is wrong, or null. */
export async function chainFault(
  files: Files,
  dir: string,
  { link, before, isFirst }: {
    readonly link: ChainLink;
    readonly before: ChainLink | undefined;
    readonly isFirst: boolean;
  },
): Promise<string | null> {
  const name = sealedName(link.first_offset);
  const previous = isFirst ? link.journal : before?.value;
  if (link.previous !== previous) return `${CHAIN_NAME}: the link of ${name} does not follow the one before`;
  if (link.value !== valueOf(link)) return `${CHAIN_NAME}: the link of ${name} has another value than it should`;
  const path = await placeOf(files, dir, link);
  if (path === null) {
    const isPlain = await files.stat(`${dir}/${plainName(link.first_offset)}`) !== null;
    return isPlain ? `${name}: the hash chain has it sealed, and it is plain` : null;
  }
  const { sha256 } = await digestOf(files, path);
  return sha256 === link.sha256 ? null : `${name}: its SHA-256 is ${sha256}, the hash chain has ${link.sha256}`;
}

/**
 * Compares a whole chain with its journal; yields each fault with the segment's link, which is null if the chain cannot
 * be read.
 */
export async function* chainFaults(
  files: Files,
  dir: string,
): AsyncGenerator<{ readonly link: ChainLink | null; readonly fault: string }> {
  let links: readonly ChainLink[];
  try {
    links = await readChain(files, dir);
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "corrupt") throw error;
    return yield { link: null, fault: error.message };
  }
  for (const [at, link] of links.entries()) {
    const fault = await chainFault(files, dir, { link, before: links.at(at - 1), isFirst: at === 0 });
    if (fault !== null) yield { link, fault };
  }
}

/** Cuts a chain before the segment with an offset; later segments are linked again. */
export async function cutChain(files: Files, dir: string, from: Offset): Promise<void> {
  const links = await readChain(files, dir);
  const kept = links.filter(({ next_offset }) => next_offset <= from);
  if (kept.length === links.length) return;
  await files.writeAtomic(`${dir}/${CHAIN_NAME}`, encode(kept));
}

async function placeOf(files: Files, dir: string, { first_offset, created_ts }: ChainLink): Promise<string | null> {
  const name = sealedName(first_offset);
  const day = `date=${new Date(created_ts / 1000).toISOString().slice(0, 10)}`;
  for (const path of [`${dir}/${name}`, `${dir}/${day}/${name}`]) if (await files.stat(path) !== null) return path;
  return null;
}

/** Removes a last line that a crash cut off; returns the last link. */
async function mendEnd(files: Files, dir: string): Promise<ChainLink | null> {
  const path = `${dir}/${CHAIN_NAME}`;
  const text = await files.readText(path);
  if (text === null) return null;
  const links = await readChain(files, dir);
  const last = links.at(-1) ?? null;
  // Another journal's chain, left in the folder, must not be continued.
  const isOurs = last === null || last.journal === (await readJournalId(files, dir) ?? last.journal);
  if (!isOurs) await files.rename(path, `${path}.${last.journal}`);
  else if (!text.endsWith("\n")) await files.writeAtomic(path, encode(links));
  return isOurs ? last : null;
}

function encode(links: readonly ChainLink[]): Uint8Array {
  return new TextEncoder().encode(links.map((link) => `${JSON.stringify(link)}\n`).join(""));
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function isLink(value: unknown): value is ChainLink {
  if (typeof value !== "object" || value === null) return false;
  const link: Partial<ChainLink> = value;
  return typeof link.journal === "string" && typeof link.sha256 === "string" && typeof link.value === "string" &&
    typeof link.previous === "string" && Number.isSafeInteger(link.first_offset) &&
    Number.isSafeInteger(link.next_offset) && Number.isSafeInteger(link.created_ts);
}
