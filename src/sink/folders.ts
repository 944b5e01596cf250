import type { Files } from "../host/mod.ts";

/** Makes a folder below `root` so that it survives a power cut: every folder that gains an entry is synced. */
export async function makeFolder(files: Files, root: string, folder: string): Promise<void> {
  const missing: string[] = [];
  let path = folder;
  while (await files.stat(path) === null) {
    missing.push(path);
    if (path === root || !path.includes("/")) break;
    path = path.slice(0, path.lastIndexOf("/"));
  }
  if (missing.length === 0) return;
  await files.makeDir(folder);
  for (const made of missing.reverse()) {
    const at = made.lastIndexOf("/");
    if (at > 0) await files.syncDir(made.slice(0, at));
  }
}
