import type { Host } from "../host/mod.ts";
import { Failure, isoFromMicros } from "../model/mod.ts";

/** The lock of a folder. */
export interface FolderLock {
  /** Whether its file is still in the folder. */
  isCurrent(): Promise<boolean>;
  /** Releases it. `keepHolder` keeps the file that names the holder, because a new lock was taken. */
  release(options?: { readonly keepHolder?: boolean }): Promise<void>;
}

/**
 * Locks a journal's folder for this process; the lock ends with the process, however it ends. The file `holder` names
 * the process, for people. Rejects with `busy` if another process holds the lock.
 */
export async function lockFolder(
  host: Pick<Host, "clock" | "files" | "processId">,
  dir: string,
): Promise<FolderLock> {
  const holderPath = `${dir}/holder`;
  const lock = await host.files.lock(`${dir}/lock`).catch(async (cause) => {
    if (!(cause instanceof Failure) || cause.code !== "busy") throw cause;
    const holder = (await host.files.readText(holderPath))?.trim() ?? "another process";
    throw new Failure("busy", `Cannot open journal ${dir}: it is held by ${holder}`, { cause, retry: false });
  });
  try {
    const holder = `process ${host.processId} since ${isoFromMicros(host.clock.nowMicros())}\n`;
    await host.files.writeAtomic(holderPath, new TextEncoder().encode(holder));
  } catch (error) {
    await lock.release();
    throw error;
  }
  return {
    isCurrent: () => lock.isCurrent(),
    release: async (options = {}) => {
      try {
        if (options.keepHolder !== true) await host.files.remove(holderPath);
      } finally {
        await lock.release();
      }
    },
  };
}
