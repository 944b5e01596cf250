/**
 * Turns frames into events: decode, route, extract, normalize, in one synchronous function per frame, compiled from an
 * exchange's rules. In: payloads and a FramePlan. Out: events, at most one control signal, faults. Pure. Must not know
 * sockets, clocks, journals, sequences of books, or any exchange by name.
 */
export { readAddress } from "./address.ts";
export { findAlias } from "./alias_rules.ts";
export { exampleOf, type Fault, type LostUpdate, type NormalizedChecksum, ReadContext } from "./context.ts";
export { ControlReader } from "./control_reader.ts";
export { decodePayload } from "./decoder.ts";
export { FieldReader } from "./field.ts";
export { FrameEvents, type NormalizedEvent } from "./frame_events.ts";
export { FrameMemory, type FrameMemoryPart } from "./frame_memory.ts";
export {
  instrumentsText,
  type ListedInstrument,
  nextPagePath,
  type RankedInstrument,
  readInstrumentList,
  readRanking,
} from "./instrument_list.ts";
export { layOut } from "./layout.ts";
export { matchAnswer } from "./match_answer.ts";
export { matchConnection, nearestConnection } from "./match_connection.ts";
export { type FrameInput, type HttpInput, type NormalizedFrame, Normalizer } from "./normalizer.ts";
export { PARSE_RULE_NAME } from "./raw_reader.ts";
export { RowList } from "./rows.ts";
export { Unwrapper } from "./unwrapper.ts";
