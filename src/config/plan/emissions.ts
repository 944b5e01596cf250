import {
  checkUnreached,
  type EmittedMessage,
  type GeneratorNames,
  type GeneratorProgram,
  parseGenerator,
  runGenerator,
} from "../../lang/mod.ts";
import { type Channel, type Instrument, type ItemSpelling, type Stream, streamKey } from "../../model/mod.ts";
import type { ConnectionValues, DescriptorValues } from "../schema_descriptor.ts";
import { accept } from "./compile.ts";
import { connectionIdsOf } from "./connections.ts";
import { eventChannel } from "./event_rules.ts";
import type { Place } from "./place.ts";
import { listValueNames } from "./symbol_values.ts";
import { serves } from "./symbols.ts";
import type { Texts } from "./texts.ts";

/** Instruments and channels that an instance subscribes to. */
export interface Demand {
  readonly descriptor: DescriptorValues;
  readonly place: Place;
  readonly texts: Texts;
  readonly instruments: readonly Instrument[];
  /** The instance's channels that the descriptor offers, with their native names. */
  readonly channels: readonly { readonly channel: Channel; readonly native: string }[];
}

/** One emitted message with the streams it subscribes to. */
export interface Emission {
  readonly subscription: number;
  readonly message: EmittedMessage;
  readonly streams: readonly Stream[];
  /** As `SubscribeItem.spelling`. */
  readonly spelling: ItemSpelling | null;
}

/** Checks the generators of a descriptor without running them. `args` are those of an instance; null where there is none. */
export function checkGenerators(
  descriptor: DescriptorValues,
  place: Place,
  args: Readonly<Record<string, string>> | null,
): void {
  descriptor.subscriptions.forEach(({ generator }, index) => {
    const at = place.at("subscriptions", index, "generator");
    const program = accept(parseGenerator(generator), at);
    if (program !== null && args !== null) {
      checkRest(program, new Set(), { at, names: namesOf(descriptor, index, args) });
    }
  });
}

/** Reports errors in texts that no run reached. */
function checkRest(
  program: GeneratorProgram,
  reached: ReadonlySet<number>,
  { at, names }: { readonly at: Place; readonly names: GeneratorNames },
): void {
  for (const { message, offset, length } of checkUnreached(program, reached, names)) {
    at.error(message, { offset, length });
  }
}

/** Returns the names that placeholders of a subscription's generator may use. */
function namesOf(
  descriptor: DescriptorValues,
  subscription: number,
  args: Readonly<Record<string, string>>,
): GeneratorNames {
  const ids = connectionIdsOf(descriptor.subscriptions[subscription].connection_id);
  const connections = descriptor.ws.connections.filter(({ id }) => ids.includes(id));
  return {
    args: Object.keys(args),
    symbolValues: [...Object.keys(descriptor.symbol_values), ...listValueNames(descriptor)],
    boot: connections.flatMap(({ bootstrap }) => Object.keys(bootstrap?.values ?? {})),
  };
}

/** Runs every generator for its connection; messages by connection id, in the order in which they were emitted. */
export function emitMessages(demand: Demand): ReadonlyMap<string, readonly Emission[]> {
  const emitted = demand.descriptor.subscriptions.flatMap((_, index) => runSubscription(demand, index));
  const covered = new Set(emitted.flatMap((one) => namedStreams(one).map(streamKey)));
  const emissions = new Map<string, Emission[]>();
  for (const one of emitted) {
    const { subscription, message, connection } = one;
    const streams = message.channel !== null ? namedStreams(one) : restStreams(one, demand, covered);
    const list = emissions.get(connection.id) ?? [];
    list.push({ subscription, message, streams, spelling: spellingOf(one, demand) });
    emissions.set(connection.id, list);
  }
  return emissions;
}

interface Emitted {
  readonly subscription: number;
  readonly connection: ConnectionValues;
  readonly instruments: readonly Instrument[];
  readonly message: EmittedMessage;
}

/** Runs one subscription's generator for each of its connections, and checks the texts that none of the runs reached. */
function runSubscription(demand: Demand, subscription: number): readonly Emitted[] {
  const { descriptor, texts } = demand;
  const values = descriptor.subscriptions[subscription];
  const at = demand.place.at("subscriptions", subscription, "generator");
  const program = accept(parseGenerator(values.generator), at);
  if (program === null) return [];
  const reached = new Set<number>();
  const emitted = connectionIdsOf(values.connection_id).flatMap((connectionId) =>
    runFor(demand, { program, subscription, connectionId, at, reached })
  );
  checkRest(program, reached, { at, names: namesOf(descriptor, subscription, texts.args) });
  return emitted;
}

/** Runs a generator for one connection; adds to `reached` what ran. */
function runFor(
  { descriptor, texts, channels, instruments: all }: Demand,
  { program, subscription, connectionId, at, reached }: {
    readonly program: GeneratorProgram;
    readonly subscription: number;
    readonly connectionId: string;
    readonly at: Place;
    readonly reached: Set<number>;
  },
): readonly Emitted[] {
  const connection = descriptor.ws.connections.find(({ id }) => id === connectionId);
  // Of an unknown connection, which is reported elsewhere, the program's own mistakes are still told.
  const instruments = all.filter((one) => connection === undefined || serves(connection, one));
  if (instruments.length === 0) return [];
  const run = runGenerator(program, {
    connId: connectionId,
    symbols: instruments.map((instrument) => {
      const { symbol, native } = instrument;
      return { canonical: symbol, native, values: texts.symbolValues(instrument) };
    }),
    channels,
    args: texts.args,
    environment: texts.scope.environment,
  });
  for (const offset of run.reached) reached.add(offset);
  for (const { message, offset, length } of run.errors) at.error(message, { offset, length });
  if (connection === undefined) return [];
  return run.messages.map((message) => ({ subscription, connection, instruments, message }));
}

/** Returns the native symbol and channel of a message; null if it is not of one symbol. */
function spellingOf({ message, instruments }: Emitted, { channels }: Demand): ItemSpelling | null {
  const symbol = instruments.find(({ symbol }) => symbol === message.symbol)?.native;
  if (symbol === undefined) return null;
  return { symbol, channel: channels.find(({ channel }) => channel === message.channel)?.native ?? null };
}

/** The streams of a message that names a channel: that channel of its symbol, or of all symbols of the connection. */
function namedStreams({ message, instruments }: Emitted): readonly Stream[] {
  const { channel, symbol } = message;
  if (channel === null) return [];
  if (symbol !== null) return [{ channel, symbol }];
  return instruments.map((instrument) => ({ channel, symbol: instrument.symbol }));
}

/** The streams of a message that names no channel: whatever its frames may yield and no other message asks for. */
function restStreams(
  { message, instruments }: Emitted,
  demand: Demand,
  covered: ReadonlySet<string>,
): readonly Stream[] {
  const rules = demand.descriptor.events.filter(({ source }) => source === "ws").map(eventChannel);
  const symbols = message.symbol === null ? instruments.map(({ symbol }) => symbol) : [message.symbol];
  return demand.channels
    .filter(({ channel }) => demand.descriptor.events.length === 0 || rules.includes(channel))
    .flatMap(({ channel }) => symbols.map((symbol) => ({ channel, symbol })))
    .filter((stream) => !covered.has(streamKey(stream)));
}
