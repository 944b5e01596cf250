/**
 * Lossless JSON over bytes: a document is a tape of positions over the frame's own bytes, so that every number and
 * string keeps its source text and nothing is built that no rule asks for. In: bytes. Out: nodes, found by paths.
 * Knows nothing of expressions, exchanges, descriptors or events.
 */
export { JsonDocument, type JsonError, type JsonKind } from "./document.ts";
export { type RefusalCause } from "./scanner.ts";
export { compilePath, parsePointer, Path, pathSource } from "./path.ts";
export { type NodeId, NOT_FOUND } from "./tape.ts";
export { TextTable } from "./text_table.ts";
