import { Failure } from "../model/mod.ts";

const DISK_FULL_CODES: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** Returns a failure that names the action and the file; code `disk_full` if the disk is full, otherwise `file`. */
export function fileFailure(action: string, path: string, cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "";
  const message = cause instanceof Error ? cause.message : String(cause);
  return new Failure(DISK_FULL_CODES.has(code) ? "disk_full" : "file", `Cannot ${action} ${path}: ${message}`, {
    cause,
  });
}

/** Runs a file operation; an exception becomes a `Failure`. */
export async function callFile<T>(path: string, action: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw fileFailure(action, path, cause);
  }
}
