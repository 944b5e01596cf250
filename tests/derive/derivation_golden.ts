import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import { gunzipSync, gzipSync } from "node:zlib";
import { Pipeline } from "../../src/derive/mod.ts";
import { DERIVATION_VERSION, type JournalRecord, type Offset } from "../../src/model/mod.ts";
import { eventJson } from "../../src/sink/mod.ts";
import { frameCorpora } from "../fuzz/frame_corpus.ts";
import { type PlacedRecord, RECORDS_DEDUP, sessionRecords } from "../support/session_records.ts";

const FOLDER = new URL("../fixtures/derivation/", import.meta.url);
const RECORDS = new URL("records.jsonl.gz", FOLDER);
const HASHES = new URL("hashes.json", FOLDER);

/** What the kept records gave when they were written, by exchange. */
export interface GoldenHashes {
  /** DERIVATION_VERSION then. */
  readonly version: number;
  /** Why the events of one version were let change: faults that were mended. */
  readonly mended: readonly string[];
  readonly events: Readonly<Record<string, string>>;
}

/** Returns what was kept. */
export function readGolden(): GoldenHashes {
  return JSON.parse(Deno.readTextFileSync(HASHES));
}

/** Returns the hash of all events that the kept records give today, by exchange. The plans are kept with the records. */
export function hashesOfToday(): Readonly<Record<string, string>> {
  const lines = gunzipSync(Deno.readFileSync(RECORDS)).toString("utf8").trimEnd().split("\n");
  return Object.fromEntries(lines.map((line) => {
    const { name, records } = JSON.parse(line);
    return [name, hashOf(records.map(unpack))];
  }));
}

function hashOf(records: readonly PlacedRecord[]): string {
  const pipeline = new Pipeline([], RECORDS_DEDUP);
  const hash = createHash("sha256");
  for (const [offset, record] of records) {
    for (const envelope of pipeline.process(offset, record).envelopes) hash.update(`${eventJson(envelope)}\n`);
  }
  return hash.digest("hex").slice(0, 16);
}

/** A record with its bytes as base64. */
function pack([offset, record]: PlacedRecord): unknown {
  if (record.kind === "frame") return [offset, { ...record, payload: base64(record.payload) }];
  return record.kind === "http" ? [offset, { ...record, body: base64(record.body) }] : [offset, record];
}

function unpack([offset, record]: [Offset, JournalRecord & { payload?: string; body?: string }]): PlacedRecord {
  if (record.kind === "frame") return [offset, { ...record, payload: bytes(record.payload) }];
  return [offset, record.kind === "http" ? { ...record, body: bytes(record.body) } : record];
}

function base64(payload: Uint8Array): string {
  return Buffer.from(payload).toString("base64");
}

function bytes(text: unknown): Uint8Array {
  return new Uint8Array(Buffer.from(String(text), "base64"));
}

/** Keeps today's events. Of one version they may change only for a fault that was mended, which is named. */
function keep(mended: string | null): void {
  const known = exists(HASHES) ? readGolden() : null;
  const isSameVersion = known?.version === DERIVATION_VERSION;
  if (!isSameVersion) {
    const corpora = frameCorpora({ recordedMax: 0, bytesMax: 0 });
    const lines = corpora.map((corpus) =>
      JSON.stringify({ name: corpus.name, records: sessionRecords(corpus).map(pack) })
    );
    Deno.mkdirSync(FOLDER, { recursive: true });
    Deno.writeFileSync(RECORDS, gzipSync(`${lines.join("\n")}\n`, { level: 9 }));
  } else if (mended === null) {
    console.error('Events of one version stay the same: raise DERIVATION_VERSION, or say --mended "what was wrong"');
    Deno.exit(1);
  }
  const hashes: GoldenHashes = {
    version: DERIVATION_VERSION,
    mended: [...isSameVersion && known !== null ? known.mended : [], ...mended === null ? [] : [mended]],
    events: hashesOfToday(),
  };
  Deno.writeTextFileSync(HASHES, `${JSON.stringify(hashes, null, 2)}\n`);
}

function exists(url: URL): boolean {
  try {
    return Deno.statSync(url).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

if (import.meta.main) {
  const at = Deno.args.indexOf("--mended");
  keep(at < 0 ? null : Deno.args[at + 1] ?? null);
}
