import { Failure, type Issue } from "../model/mod.ts";

/** A failure of the world, or a bug, in the form of the mistakes that stand beside it. */
export function failureIssue(file: string, error: unknown): Issue {
  const message = messageOf(error);
  return { severity: "error", file, line: 1, column: 1, length: 1, message, sourceLine: "", exchange: null };
}

/** What went wrong, in one sentence. */
export function messageOf(error: unknown): string {
  if (error instanceof Failure) return error.message;
  return `A bug of the program: ${error instanceof Error ? error.message : String(error)}`;
}

/** An issue as one line: where it is and what is wrong. */
export function issueText(issue: Issue): string {
  return `${issue.file}:${issue.line}:${issue.column}: ${issue.message}`;
}
