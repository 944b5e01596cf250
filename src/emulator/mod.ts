/**
 * An exchange played back: clients connect to its paths, subscribe in its words, and get its answers and the recorded
 * frames of what they asked for, with faults on demand. In: what went over the wire once, the plan of an instance. Out: a
 * server. Must not know files, command lines or how frames were derived.
 */
export { type EmulatedExchange, type Emulator, type EmulatorOptions, startEmulator } from "./emulator.ts";
export type { EmulatorCounts } from "./counts.ts";
