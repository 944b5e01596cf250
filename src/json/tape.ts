/**
 * A tape describes JSON text by positions alone. Every value is a node of STRIDE integers; a node's id is the index of
 * its first integer. Nodes are in text order, so the first child of a container, if any, follows it directly.
 */
export const STRIDE = 8;

/** A node of a document: its index on the tape. The root is 0. */
export type NodeId = number;

/** Result of a look-up that finds nothing. */
export const NOT_FOUND = -1;

/** Kind in the lowest three bits, flags above. */
export const KIND = 0;
/** Byte position of the value's first byte; of a string, of its opening quote. */
export const START = 1;
/** Byte position after the value. */
export const END = 2;
/** The next sibling, or -1. */
export const NEXT = 3;
/** The container that holds the value, or -1. */
export const PARENT = 4;
/** Bytes of a member's key without its quotes; 0 and 0 for others. */
export const KEY_START = 5;
export const KEY_END = 6;
/** Number of children of a container. */
export const COUNT = 7;

export const KIND_NULL = 0;
export const KIND_TRUE = 1;
export const KIND_FALSE = 2;
export const KIND_NUMBER = 3;
export const KIND_STRING = 4;
export const KIND_ARRAY = 5;
export const KIND_OBJECT = 6;
export const KIND_MASK = 7;

/** The string holds escapes, or bytes outside of ASCII: its text is not its bytes. */
export const FLAG_ESCAPED = 8;
export const FLAG_WIDE = 16;
/** The same of a member's key. */
export const FLAG_KEY_ESCAPED = 32;
export const FLAG_KEY_WIDE = 64;
/** A member with the same key follows in the object, and hides this one. */
export const FLAG_HIDDEN = 128;

/** Shift from the flags of a string to those of a key. */
export const KEY_FLAG_SHIFT = 2;
