import type { Files } from "../host/mod.ts";
import { type ExchangeList, Failure, KEPT_LIST_BYTES_MAX, type Observer } from "../model/mod.ts";
import { setAside } from "./set_aside.ts";

/** The file that keeps an instance's instrument list for a start without the exchange. */
export interface KeptListFile {
  /** Returns the list; null if there is none. A damaged file is set aside and reported. Never rejects. */
  read(): Promise<ExchangeList | null>;
  /** Replaces the list. Never rejects: a failure is reported. */
  write(list: ExchangeList): Promise<void>;
}

/** Returns the path of an instance's list in the data folder. */
export function keptListPath(dataDir: string, exchange: string): string {
  return `${dataDir}/instruments/${exchange}.json`;
}

/**
 * Returns the file at a path: a JSON object from canonical symbol to native symbol, or to a list of native symbol and
 * values.
 */
export function keptListFile(
  place: { readonly files: Files; readonly path: string; readonly observe: Observer },
): KeptListFile {
  const { files, path, observe } = place;
  return {
    read: async () => {
      let text: string | null;
      try {
        const stat = await files.stat(path);
        if (stat === null) return null;
        if (stat.bytes > KEPT_LIST_BYTES_MAX) {
          await setAside(place, `it is larger than ${KEPT_LIST_BYTES_MAX} bytes`);
          return null;
        }
        text = await files.readText(path);
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        observe({ kind: "kept_file_failed", file: path, action: "read", error: error.message });
        return null;
      }
      if (text === null) return null;
      const list = parseKeptList(text);
      if (list === null) await setAside(place, "it holds no instrument list");
      return list;
    },
    write: async (list) => {
      try {
        await files.makeDir(path.slice(0, path.lastIndexOf("/")));
        await files.writeAtomic(path, new TextEncoder().encode(writeKeptList(list)));
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        observe({ kind: "kept_file_failed", file: path, action: "write", error: error.message });
      }
    },
  };
}

function writeKeptList({ natives, values }: ExchangeList): string {
  return JSON.stringify(Object.fromEntries(
    [...natives].map(([symbol, native]) => {
      const own = values.get(symbol);
      return [symbol, own === undefined ? native : [native, own]];
    }),
  ));
}

/** Parses a kept list; null if the text is none, or an empty one. */
export function parseKeptList(text: string): ExchangeList | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const natives = new Map<string, string>();
  const values = new Map<string, Readonly<Record<string, string>>>();
  for (const [symbol, entry] of Object.entries(value)) {
    const [native, own]: readonly unknown[] = Array.isArray(entry) ? entry : [entry];
    if (typeof native !== "string" || native === "") return null;
    natives.set(symbol, native);
    if (isTexts(own)) values.set(symbol, own);
  }
  return natives.size === 0 ? null : { natives, values };
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return typeof value === "object" && value !== null && Object.values(value).every((one) => typeof one === "string");
}
