import type { Shape } from "./shape.ts";
import type { NodeId } from "./tape.ts";

/** Index segments: digits without leading zeros, or negative from the end. Within 31 bits. */
const INDEX = /^(?:0|-?[1-9]\d{0,8})$/;

/** One segment of a path, ready to be compared with the bytes of a key. */
export class PathStep {
  /** UTF-8 of the member name. */
  readonly bytes: Uint8Array;
  readonly name: string;
  /** The segment as an array index, negative from the end; null if it is not one. */
  readonly index: number | null;
  /** Where the member was last found, relative to its object on the tape; tried before a search. */
  hint: NodeId = 0;

  constructor(name: string) {
    this.name = name;
    this.bytes = new TextEncoder().encode(name);
    this.index = INDEX.test(name) ? Number(name) : null;
  }
}

/** A sequence of member names; a segment of digits also indexes arrays, a negative one from the end. */
export class Path {
  readonly segments: readonly string[];
  readonly steps: readonly PathStep[];
  /** The result for the last shape: the path leads to the same node in every text of that shape. */
  shape: Shape | null = null;
  from: NodeId = 0;
  found: NodeId = 0;

  constructor(segments: readonly string[]) {
    this.segments = segments;
    this.steps = segments.map((segment) => new PathStep(segment));
  }
}

/**
 * Compiles a path for look-ups. A compiled path caches its last result, so every place that looks up should have its
 * own.
 */
export function compilePath(segments: readonly string[]): Path {
  return new Path(segments);
}

/**
 * Parses a JSON pointer (RFC 6901 section 3): "" is the whole value, `/a/b` the member b of a; `~1` is a slash and `~0`
 * a tilde. Null if the text is not a pointer.
 */
export function parsePointer(text: string): string[] | null {
  if (text === "") return [];
  if (!text.startsWith("/")) return null;
  if (/~(?![01])/.test(text)) return null;
  return text.slice(1).split("/").map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** Returns the path as a JSON pointer. */
export function pathSource(path: Path): string {
  return path.segments.map((segment) => `/${segment.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}
