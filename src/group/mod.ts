/**
 * Decides which collector of a group collects which share, from leases that the members keep on NATS or PostgreSQL. In:
 * entries of members, the time, whether a share's data comes. Out: which shares start and stop. Must not know what a
 * share contains or how it is collected.
 */
export { type Assignment, assignShares } from "./assignment.ts";
export { decide, type Decision, type SelfView, type ShareStart, type ShareStop } from "./decide.ts";
export type { EngineOptions, GroupEngine, StoredEntries, StoredEntry } from "./engine.ts";
export { openEngine } from "./open_engine.ts";
export {
  decodeEntry,
  encodeEntry,
  entryKey,
  type Layout,
  layoutOf,
  type MemberEntry,
  type MemberState,
  type SharePhase,
} from "./entry.ts";
export { GroupMember, type GroupMemberOptions, type ShareChange } from "./group_member.ts";
export { memberStatuses, uncoveredShares } from "./group_status.ts";
export type { TakenStart } from "./member_notes.ts";
export { decodeNote, encodeNote, type MemberNote, type NotedStream } from "./note.ts";
export { MemberTable, type SeenMember } from "./member_table.ts";
