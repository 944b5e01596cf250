import { gunzipSync } from "node:zlib";

/** One line of a recording. Times in microseconds. */
export interface RecordedLine {
  readonly t: number;
  readonly dir: "open" | "out" | "in" | "http" | "close";
  readonly url: string | null;
  readonly payload: Uint8Array;
  readonly binary: boolean;
}

const FOLDER = new URL("../../../shared/recordings/", import.meta.url);

/** Where a shared recording stands. */
export function recordingPath(name: string): string {
  return decodeURIComponent(new URL(`${name}.jsonl.gz`, FOLDER).pathname);
}

/** The lines of a shared recording; null, and a loud line, where the shared folder is absent. */
export function readRecording(name: string): RecordedLine[] | null {
  const packed = readShared(new URL(`${name}.jsonl.gz`, FOLDER));
  if (packed === null) return null;
  const encoder = new TextEncoder();
  const lines: RecordedLine[] = [];
  for (const text of new TextDecoder().decode(gunzipSync(packed)).split("\n")) {
    if (text === "") continue;
    const { t, dir, url, data, bin } = JSON.parse(text);
    lines.push({
      t,
      dir,
      url: url ?? null,
      payload: bin === undefined ? encoder.encode(data ?? "") : Uint8Array.fromBase64(bin),
      binary: bin !== undefined,
    });
  }
  return lines;
}

/** The bytes of a shared file; null, and a loud line, where it is absent. */
export function readShared(url: URL): Uint8Array | null {
  try {
    return Deno.readFileSync(url);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    console.warn(`SKIPPED: ${url.pathname.split("/").slice(-3).join("/")} is not here`);
    return null;
  }
}
