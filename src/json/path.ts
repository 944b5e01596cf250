/** A sequence of member names; a segment of digits also indexes arrays, a negative one from the end. */
export interface Path {
  readonly segments: readonly string[];
}
