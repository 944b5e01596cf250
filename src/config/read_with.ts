import { Failure, type Issue } from "../model/mod.ts";
import { issueAt, type Position } from "./position.ts";

/** Reads a file. Reports an unreadable file where it is named. Null if missing, without an issue. */
export function readWith(
  readText: (path: string) => string | null,
  path: string,
  named: { readonly position: Position; readonly exchange: string | null },
): { readonly text: string | null; readonly issue: Issue | null } {
  try {
    return { text: readText(path), issue: null };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { text: null, issue: issueAt(named.position, { message: error.message, exchange: named.exchange }) };
  }
}
