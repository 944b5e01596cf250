import type { Host } from "../host/mod.ts";

const ID = /^[0-9a-f-]{36}$/;

/**
 * The journal's name for itself, a UUID in its file `id`: what is written elsewhere says by it whose it is. Made once,
 * at the first opening, and again only where the file is gone or damaged: offsets alone do not tell two journals apart.
 */
export async function journalId(host: Pick<Host, "files" | "random">, dir: string): Promise<string> {
  const path = `${dir}/id`;
  const kept = (await host.files.readText(path))?.trim() ?? "";
  if (ID.test(kept)) return kept;
  const id = host.random.uuid();
  await host.files.writeAtomic(path, new TextEncoder().encode(`${id}\n`));
  return id;
}
