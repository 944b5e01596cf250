/** A mistake in how the program was called; ends it with code 64. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
