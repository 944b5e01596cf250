import type { Channel, ControlRule, FramePlan, Instrument, Issue, RestPlan, RestRequestPlan } from "../../model/mod.ts";
import { SENT_CHANNELS } from "../../model/mod.ts";
import type { DescriptorValues } from "../schema_descriptor.ts";
import { buildBookRules, withChecksums } from "./book_rules.ts";
import { answerEcho, answerItem, buildControlRules } from "./control_rules.ts";
import { checkGenerators } from "./emissions.ts";
import { buildEventRules } from "./event_rules.ts";
import { fillRules } from "./backfill.ts";
import { buildDefinitions } from "./definitions.ts";
import type { DescriptorInput } from "./input.ts";
import { buildParseRule } from "./parse_rule.ts";
import { instrumentsRule } from "./instrument_lists.ts";
import { Place } from "./place.ts";
import { buildRest } from "./rest.ts";
import { buildSymbolTable, frameConnections } from "./symbols.ts";
import { closedTextOf, pointerOf, sourceOf } from "./compile.ts";
import { buildConnections, checkConnectionIds } from "./connections.ts";
import { buildTexts, type Texts } from "./texts.ts";

/** Plan of a descriptor without an instance: enough to read recordings of its exchange. */
export interface ReplayFrames {
  /** Null where an error stands in the way. */
  readonly frames: FramePlan | null;
  /** Without targets: to recognise REST answers by their URL. */
  readonly requests: readonly RestRequestPlan[];
  readonly issues: readonly Issue[];
}

/** Builds the frame plan of a descriptor without an instance: every symbol and every channel is accepted. */
export function buildFrames(input: DescriptorInput & { readonly exchange: string }): ReplayFrames {
  const issues: Issue[] = [];
  const { descriptor, symbolMap, exchange } = input;
  const file = new Place(input.locateDescriptor, { issues, exchange: null });
  const place = file.defining(buildDefinitions(descriptor, file));
  const texts = buildTexts(descriptor, input.environment, place);
  const mapPlace = symbolMap === null ? null : new Place(symbolMap.locate, { issues, exchange: null });
  const map = symbolMap === null || mapPlace === null ? null : { values: symbolMap.values, place: mapPlace };
  const rules = buildRules(descriptor, place, texts);
  checkGenerators(descriptor, place, null);
  checkSubscriptions(descriptor, place);
  buildConnections(descriptor, { place, texts, controls: rules.controls });
  const rest = buildRest(descriptor, { place, texts, demand: { instruments: [], channels: [] } });
  const frames: FramePlan = {
    ...rules,
    exchange,
    connections: frameConnections(descriptor, buildSymbolTable(map, []).instruments, mapPlace),
    channels: channelNames(nativeChannels(descriptor, { place, texts })),
    books: buildBookRules(descriptor, { place, texts, events: rules.events, instruments: [] }),
    ...fillsOf(rest),
    ...instrumentsRule(rest, null),
    wanted: null,
  };
  const broken = issues.some(({ severity }) => severity === "error");
  return { frames: broken ? null : frames, requests: rest.requests, issues };
}

/** The part of a frame plan that names its backfills; nothing where there are none. */
export function fillsOf(rest: RestPlan): Pick<FramePlan, "fills"> {
  const fills = fillRules(rest);
  return fills.length === 0 ? {} : { fills };
}

/** The parts of a frame plan that do not depend on what is asked for. */
export type FrameRules = Pick<
  FramePlan,
  "controls" | "events" | "parse" | "aliasKey" | "socketSequence" | "tradeIds"
>;

/** Lowers the rules of a descriptor. */
export function buildRules(descriptor: DescriptorValues, place: Place, texts: Texts): FrameRules {
  const aliasKey = descriptor.parse?.route_key;
  const socketSequence = descriptor.parse?.socket_sequence;
  const controls: readonly ControlRule[] = buildControlRules(descriptor, place, texts);
  return {
    controls,
    events: withChecksums(buildEventRules(descriptor, place), descriptor, place),
    parse: buildParseRule(descriptor, place),
    socketSequence: socketSequence === undefined
      ? null
      : sourceOf(socketSequence, place.at("parse", "socket_sequence")),
    ...(descriptor.parse?.trade_ids === undefined ? {} : { tradeIds: descriptor.parse.trade_ids }),
    aliasKey: aliasKey === undefined ? null : sourceOf(aliasKey, place.at("parse", "route_key")),
  };
}

/** The channels that `channel_map` offers, or all where there is none, with their native names. */
export function nativeChannels(
  descriptor: DescriptorValues,
  context: { readonly place: Place; readonly texts: Texts },
): readonly { readonly channel: Channel; readonly native: string }[] {
  const map = descriptor.maps.channel_map;
  if (map === undefined) return SENT_CHANNELS.map((channel) => ({ channel, native: channel }));
  return SENT_CHANNELS.flatMap((channel) => {
    const text = map[channel];
    if (text === undefined) return [];
    const native = closedTextOf(text, context.place.at("maps", "channel_map", channel), context.texts.scope);
    return native === null ? [] : [{ channel, native }];
  });
}

/** Returns our channel by its native name. */
export function channelNames(
  channels: readonly { readonly channel: Channel; readonly native: string }[],
): FramePlan["channels"] {
  return Object.fromEntries(channels.map(({ channel, native }) => [native, channel]));
}

/** Reports subscriptions that name no connection, or acknowledgements that cannot be told apart. */
export function checkSubscriptions(descriptor: DescriptorValues, place: Place): void {
  descriptor.subscriptions.forEach(({ connection_id: id, ack, batch }, index) => {
    const at = place.at("subscriptions", index);
    if (Array.isArray(batch)) batch.forEach((step, number) => pointerOf(step.at, at.at("batch", number, "at")));
    checkConnectionIds(id, descriptor, at.at("connection_id"));
    const [echo, item] = [answerEcho(ack), answerItem(ack)];
    if ((echo.length === 0) !== (item.length === 0)) {
      at.at("ack").error("`echo` and `item` belong together: what the frame echoes, and the same read off each item");
    } else if (echo.length !== item.length) {
      at.at("ack", "item").error(`\`item\` has ${item.length} parts and \`echo\` has ${echo.length}`);
    }
    if (echo.length > 0 && ack.field === undefined && ack.when === undefined) {
      at.at("ack").error("No `when`, nor `field` with `value`: one of them tells the acknowledgement");
    }
  });
}

/** Instruments as map entries that win over the table's: those that are configured. */
export function withInstruments(
  table: readonly Instrument[],
  configured: readonly Instrument[],
): readonly Instrument[] {
  const symbols = new Set(configured.map(({ symbol }) => symbol));
  return [...configured, ...table.filter(({ symbol }) => !symbols.has(symbol))];
}
