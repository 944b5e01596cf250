/**
 * The lowering: from values that fit the schemas to the plan that runs. In: an instance, its descriptor, its symbol map
 * and where each of them stands in its file. Out: a `RunnableExchange`, or the frame plan of a descriptor alone, and all
 * issues. Must not know TOML: it sees values and positions.
 */
export { buildExchange } from "./build_exchange.ts";
export { buildFrames, type ReplayFrames } from "./build_frames.ts";
export type { DescriptorInput, ExchangeInput, ListedInstrument, SymbolMapInput } from "./input.ts";
