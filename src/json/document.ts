import type { Path } from "./path.ts";

/** A node of a document: its place on the tape. The root is 0. */
export type NodeId = number;

/** What a look-up gives that leads nowhere. */
export const NOT_FOUND = -1;

/** The kinds of JSON values (RFC 8259 section 3). */
export type JsonKind = "null" | "true" | "false" | "number" | "string" | "array" | "object";

/** A parsed JSON text. */
export interface JsonDocument {
  /** Reads JSON text over what was read before; false where it is not JSON, and then `error` says why. */
  parse(bytes: Uint8Array): boolean;
  readonly error: { readonly at: number; readonly message: string } | null;
  kind(node: NodeId): JsonKind;
  find(path: Path, from: NodeId): NodeId;
  /** Scalar text: decoded string, digits of a number, `true`, `false`; null for JSON null, containers, NOT_FOUND. */
  text(node: NodeId): string | null;
  /** The exact source text of a value. */
  source(node: NodeId): string;
  /** First element, or first member's value; NOT_FOUND where it is empty or a scalar. */
  firstChild(node: NodeId): NodeId;
  /** Next sibling's value; NOT_FOUND at the end. */
  next(node: NodeId): NodeId;
  /** Key of a member's value. */
  key(node: NodeId): string;
  /** Number of elements or members. */
  length(node: NodeId): number;
}
