import { Failure } from "../model/mod.ts";
import { callFile } from "./file_failure.ts";
import { isCurrentFile } from "./file_handle.ts";
import type { FileLock } from "./host.ts";

/** How long to wait for a lock on platforms without `tryLock`, in ms. */
const LOCK_WAIT_MS = 300;

/**
 * Takes an exclusive advisory lock on a file, which is created if missing and stays when the lock is released. The lock
 * ends with the process, however it ends. Rejects with `busy` if another process holds it.
 */
export async function lockFile(path: string): Promise<FileLock> {
  const file = await callFile(path, "open", () => Deno.open(path, { read: true, write: true, create: true }));
  if (!await callFile(path, "lock", () => tryLock(file))) {
    throw new Failure("busy", `Cannot lock ${path}: another process holds it`, { retry: false });
  }
  return {
    isCurrent: () => isCurrentFile(file, path),
    release: async () => {
      await callFile(path, "unlock", () => file.unlock());
      file.close();
    },
  };
}

/** The part of a file needed to lock it; Deno 2.6 has no `tryLock`. */
interface Lockable {
  tryLock?(exclusive: boolean): Promise<boolean>;
  lock(exclusive: boolean): Promise<void>;
  close(): void;
}

/** Tries to lock a file; closes the file and returns false if another process holds the lock. */
async function tryLock(file: Lockable): Promise<boolean> {
  if (file.tryLock !== undefined) {
    const taken = await file.tryLock(true);
    if (!taken) file.close();
    return taken;
  }
  const locking = file.lock(true).then(() => true);
  const waiting = Promise.withResolvers<false>();
  const timer = setTimeout(() => waiting.resolve(false), LOCK_WAIT_MS);
  const taken = await Promise.race([locking, waiting.promise]);
  clearTimeout(timer);
  // A lock that is granted later is released by closing the file.
  if (!taken) locking.then(() => file.close(), () => file.close());
  return taken;
}
