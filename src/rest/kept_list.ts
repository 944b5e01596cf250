import type { Files } from "../host/mod.ts";
import { Failure, KEPT_LIST_BYTES_MAX, type Observer } from "../model/mod.ts";
import { setAside } from "./set_aside.ts";

/** The file that keeps an instance's instrument list for a start without the exchange. */
export interface KeptListFile {
  /** Returns the list; null where there is none. A damaged one is set aside and told. Never rejects. */
  read(): Promise<ReadonlyMap<string, string> | null>;
  /** Replaces the list. Never rejects: what cannot be written is told. */
  write(list: ReadonlyMap<string, string>): Promise<void>;
}

/** The file at a path: a JSON object of canonical to native spellings. */
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
      const list = parseList(text);
      if (list === null) await setAside(place, "it holds no instrument list");
      return list;
    },
    write: async (list) => {
      try {
        await files.makeDir(path.slice(0, path.lastIndexOf("/")));
        await files.writeAtomic(path, new TextEncoder().encode(JSON.stringify(Object.fromEntries(list))));
      } catch (error) {
        if (!(error instanceof Failure)) throw error;
        observe({ kind: "kept_file_failed", file: path, action: "write", error: error.message });
      }
    },
  };
}

/** Reads a kept list; null where the text is none, or an empty one. */
function parseList(text: string): ReadonlyMap<string, string> | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return null;
  const entries = Object.entries(value);
  const isList = entries.length > 0 &&
    entries.every((entry): entry is [string, string] => typeof entry[1] === "string" && entry[1] !== "");
  return isList ? new Map(entries) : null;
}
