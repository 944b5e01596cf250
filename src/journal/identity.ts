import type { Host } from "../host/mod.ts";
import type { Offset } from "../model/mod.ts";

const ID = /^[0-9a-f-]{36}$/;

/**
 * Returns the journal's id, a UUID in its file `id`, which marks everything that is written elsewhere. Created at the
 * first opening, and again only if the file is gone or damaged.
 */
export async function journalId(host: Pick<Host, "files" | "random">, dir: string): Promise<string> {
  const path = `${dir}/id`;
  const kept = (await host.files.readText(path))?.trim() ?? "";
  if (ID.test(kept)) return kept;
  const id = host.random.uuid();
  await host.files.writeAtomic(path, new TextEncoder().encode(`${id}\n`));
  return id;
}

/**
 * Returns the offset at which the journal once began, from its file `began`, which a new journal writes; null if it is
 * unknown, in a journal of an earlier version. Offsets before it never existed, so nothing before it can be lost.
 */
export async function journalBegin(
  host: Pick<Host, "files">,
  { dir, startOfNew }: { readonly dir: string; readonly startOfNew: Offset | null },
): Promise<Offset | null> {
  const path = `${dir}/began`;
  const kept = (await host.files.readText(path))?.trim() ?? "";
  if (/^\d{1,16}$/.test(kept) && Number.isSafeInteger(Number(kept))) return Number(kept);
  if (startOfNew !== null) await host.files.writeAtomic(path, new TextEncoder().encode(`${startOfNew}\n`));
  return startOfNew;
}
