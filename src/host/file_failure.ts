import { Failure } from "../model/mod.ts";

const DISK_FULL_CODES: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

/** Names what could not be done with which file; `disk_full` where there is no room, `file` otherwise. */
export function fileFailure(action: string, path: string, cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "";
  const message = cause instanceof Error ? cause.message : String(cause);
  return new Failure(DISK_FULL_CODES.has(code) ? "disk_full" : "file", `Cannot ${action} ${path}: ${message}`, {
    cause,
  });
}

/** Runs a file operation; what it throws becomes a `Failure`. */
export async function callFile<T>(path: string, action: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (cause) {
    throw fileFailure(action, path, cause);
  }
}
