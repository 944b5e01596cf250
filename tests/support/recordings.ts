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

/**
 * Declares a test that needs shared recordings, by their names. Where one is absent, as on a fresh clone, the test is
 * ignored and its name says why; it never passes without having run.
 */
export function testOnRecordings(
  names: readonly string[],
  name: string,
  run: () => void | Promise<void>,
): void {
  testOnShared(names.map((recording) => new URL(`${recording}.jsonl.gz`, FOLDER)), name, run);
}

/** Declares a test that needs shared files; ignored like `testOnRecordings`. */
export function testOnShared(urls: readonly URL[], name: string, run: () => void | Promise<void>): void {
  const missing = urls.find((url) => !isPresent(url));
  if (missing === undefined) Deno.test(name, run);
  else Deno.test(`${name} (ignored: ${shortPath(missing)} is not here)`, { ignore: true }, run);
}

function isPresent(url: URL): boolean {
  try {
    return Deno.statSync(url).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function shortPath(url: URL): string {
  return url.pathname.split("/").slice(-3).join("/");
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
    console.warn(`SKIPPED: ${shortPath(url)} is not here`);
    return null;
  }
}
