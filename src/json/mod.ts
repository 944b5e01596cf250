/**
 * Lossless JSON over bytes. A document is a tape of positions in the frame's bytes, so every number and string keeps
 * its source text, and only values that a rule reads are decoded. In: bytes. Out: nodes, found by paths. Knows nothing
 * of expressions, exchanges, descriptors or events.
 */
export { JsonDocument, type JsonError, type JsonKind } from "./document.ts";
export { type RefusalCause } from "./scanner.ts";
export { compilePath, parsePointer, Path, pathSource } from "./path.ts";
export { type NodeId, NOT_FOUND } from "./tape.ts";
export { TextTable } from "./text_table.ts";
