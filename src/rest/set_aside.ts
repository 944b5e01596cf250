import type { Files } from "../host/mod.ts";
import { Failure, type Observer } from "../model/mod.ts";

/** Renames an unreadable file to `PATH.damaged` and reports it. Never rejects. */
export async function setAside(
  { files, path, observe }: { readonly files: Files; readonly path: string; readonly observe: Observer },
  reason: string,
): Promise<void> {
  const aside = `${path}.damaged`;
  try {
    await files.rename(path, aside);
    observe({ kind: "kept_file_set_aside", file: path, aside, reason });
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    observe({ kind: "kept_file_failed", file: path, action: "set aside", error: error.message });
  }
}
