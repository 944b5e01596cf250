/**
 * The nouns of the program: instruments, channels, frames, events, plans, records, observations, limits. In: nothing.
 * Out: types and the few pure functions that belong to them. Knows nothing of files, sockets, TOML or any exchange.
 */
export * from "./channel.ts";
export * from "./decimal.ts";
export * from "./event.ts";
export * from "./failure.ts";
export * from "./frame.ts";
export * from "./instrument.ts";
export * from "./issue.ts";
export * from "./limits.ts";
export * from "./micros.ts";
export * from "./observation.ts";
export * from "./plan.ts";
export * from "./record.ts";
export * from "./signal.ts";
export * from "./template.ts";
