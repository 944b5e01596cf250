import { Failure, type Issue } from "../model/mod.ts";

/** Returns a failure or a bug as an issue of a file. */
export function failureIssue(file: string, error: unknown): Issue {
  const message = messageOf(error);
  return { severity: "error", file, line: 1, column: 1, length: 1, message, sourceLine: "", exchange: null };
}

/** Returns what went wrong, in one sentence. */
export function messageOf(error: unknown): string {
  if (error instanceof Failure) return error.message;
  return `A bug of the program: ${error instanceof Error ? error.message : String(error)}`;
}

/** Returns an issue as one line: its place and its message. */
export function issueText(issue: Issue): string {
  return `${issue.file}:${issue.line}:${issue.column}: ${issue.message}`;
}
