/**
 * Plays an exchange back: clients connect to its paths, subscribe in its protocol, and get its answers and the recorded
 * frames of their subscriptions, with faults on demand. In: what went over the wire, the plan of an instance. Out: a
 * server. Must not know files, command lines or how events are derived.
 */
export { type EmulatedExchange, type Emulator, type EmulatorOptions, startEmulator } from "./emulator.ts";
export type { EmulatorCounts } from "./counts.ts";
