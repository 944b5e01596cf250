/** A mistake in the command line; the program exits with code 64. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
