/**
 * Drafts a descriptor from recorded frames: the kinds of messages, what identifies them, and where prices, sizes,
 * sides, times and ids are in them, with how sure that is. In: texts of frames. Out: TOML. Pure. Must not know files,
 * sockets, or any exchange by name.
 */
export { draftDescriptor, type LearnedFrame, type LearnInput } from "./draft.ts";
export { type Guess, type MessageKind } from "./fields.ts";
export { learnKinds } from "./kinds.ts";
