import type {
  AliasRule,
  BookFields,
  Channel,
  ControlRule,
  Decoding,
  EventRule,
  Expression,
  FieldRule,
  FrameConnection,
  FrameLayout,
  FramePlan,
  LevelRule,
  ParseRule,
  Predicate,
  Rows,
  StateRule,
  UnwrapRule,
} from "../model/mod.ts";
import { compileExpression, compileRows } from "./expression.ts";
import { compilePredicate } from "./predicate.ts";
import type { CompiledExpression, CompiledPredicate, CompiledRows, ListedValues } from "./scope.ts";

/** A compiled frame plan. It contains caches, so each reader compiles its own. */
export interface CompiledFrames {
  readonly exchange: string;
  /** Decoding by the descriptor's connection id. */
  readonly decode: ReadonlyMap<string, Decoding>;
  /** Layout of frames by connection id. Frames of other connections are one document each. */
  readonly layouts: ReadonlyMap<string, FrameLayout>;
  /** Ids of the connections with one socket per symbol. */
  readonly perSymbol: ReadonlySet<string>;
  readonly controls: readonly CompiledControl[];
  readonly events: readonly CompiledEvent[];
  readonly parse: CompiledParse | null;
  readonly aliasKey: CompiledExpression | null;
  readonly socketSequence: CompiledExpression | null;
  /** Native → canonical, by connection id. */
  readonly canonical: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Values of instrument lists by connection id; connections without any are left out. */
  readonly listed: ReadonlyMap<string, ListedValues>;
  /** Native channel → channel, for raw events. */
  readonly channels: ReadonlyMap<string, Channel>;
  /** Channels whose events are emitted; null emits all. */
  readonly wanted: ReadonlySet<Channel> | null;
}

/** A compiled `FieldRule`. */
export interface CompiledField extends Omit<FieldRule, "sources" | "absent" | "map"> {
  readonly sources: readonly CompiledExpression[];
  readonly absent: ReadonlySet<string> | null;
  readonly map: ReadonlyMap<string, string> | null;
}

/** A compiled `ParseRule`. */
export interface CompiledParse {
  readonly channel: CompiledField;
  readonly symbol: CompiledField;
  readonly serverTime: CompiledField | null;
  readonly sequence: CompiledField | null;
  readonly messageId: CompiledField | null;
}

/** A compiled `UnwrapRule`. */
export interface CompiledUnwrap extends Omit<UnwrapRule, "at"> {
  readonly at: CompiledExpression;
}

/** A compiled `MergeRule`. */
export interface CompiledMerge {
  readonly start: CompiledPredicate | null;
  readonly state: CompiledState | null;
}

/** A compiled `StateRule`. */
export interface CompiledState extends Omit<StateRule, "of"> {
  readonly of: CompiledExpression | null;
  /** Fields that the rule names: one that a row lacks is missing, not filled. Empty if rows are partial. */
  readonly owns: ReadonlySet<string>;
}

/** A compiled `LevelRule`. */
export interface CompiledLevel {
  readonly price: CompiledExpression;
  readonly size: CompiledExpression;
  readonly id: CompiledExpression | null;
  /** Number of values of a flat list that make one level; null if each element is a level. */
  readonly stride: number | null;
  /** As `LevelRule.order`; null if levels are not single orders. */
  readonly order: { readonly change: CompiledExpression | null } | null;
}

/** Compiled `BookFields`. */
export interface CompiledBookFields {
  readonly snapshot: boolean | CompiledPredicate;
  readonly bids: CompiledRows | null;
  readonly asks: CompiledRows | null;
  readonly levels: CompiledRows | null;
  readonly furtherLevels: readonly CompiledRows[];
  readonly bidLevel: CompiledLevel;
  readonly askLevel: CompiledLevel;
  readonly side: CompiledField | null;
  readonly dropMalformedLevels: boolean;
}

/** A compiled `EventRule`. */
export interface CompiledEvent
  extends Pick<EventRule, "name" | "kind" | "channel" | "source" | "skipFirstFrame" | "askedOnly"> {
  readonly connections: ReadonlySet<string> | null;
  readonly when: CompiledPredicate;
  readonly unwrap: CompiledUnwrap | null;
  readonly rows: CompiledRows;
  readonly where: CompiledPredicate | null;
  readonly symbol: CompiledField | null;
  readonly exchangeTs: CompiledField | null;
  readonly fields: ReadonlyMap<string, CompiledField>;
  readonly book: CompiledBookFields | null;
  readonly merge: CompiledMerge | null;
}

/** A compiled `AliasRule`. */
export interface CompiledAlias {
  readonly key: CompiledExpression;
  readonly set: ReadonlyMap<string, CompiledExpression> | null;
}

/** A compiled `ControlRule`, without the messages that are sent. */
export interface CompiledControl extends Pick<ControlRule, "name" | "action" | "text"> {
  readonly connections: ReadonlySet<string> | null;
  readonly when: CompiledPredicate | null;
  readonly correlation: CompiledExpression | null;
  readonly rows: CompiledRows | null;
  readonly where: CompiledPredicate | null;
  readonly echo: readonly CompiledExpression[];
  readonly accepted: CompiledRows | null;
  readonly rejected: CompiledRows | null;
  readonly reason: CompiledExpression | null;
  readonly final: CompiledPredicate | null;
  readonly capture: CompiledExpression | null;
  readonly captures: readonly (readonly [name: string, expression: CompiledExpression])[];
  readonly alias: CompiledAlias | null;
}

/** Compiles a frame plan. */
export function compileFrames(plan: FramePlan): CompiledFrames {
  const { connections } = plan;
  return {
    exchange: plan.exchange,
    decode: new Map(connections.map(({ id, decode }) => [id, decode])),
    perSymbol: new Set(connections.flatMap(({ id, perSymbol }) => perSymbol === true ? [id] : [])),
    layouts: new Map(connections.flatMap(({ id, layout }) => layout === undefined ? [] : [[id, layout]])),
    controls: plan.controls.map(compileControl),
    events: plan.events.map(compileEvent),
    parse: plan.parse === null ? null : compileParse(plan.parse),
    aliasKey: optional(plan.aliasKey),
    socketSequence: optional(plan.socketSequence),
    canonical: new Map(connections.map(({ id, canonical }) => [id, new Map(Object.entries(canonical))])),
    listed: new Map(connections.flatMap(({ id, listed }) => listed === undefined ? [] : [[id, listedValues(listed)]])),
    channels: new Map(Object.entries(plan.channels)),
    wanted: plan.wanted === null ? null : new Set(plan.wanted),
  };
}

function listedValues(listed: NonNullable<FrameConnection["listed"]>): ListedValues {
  return new Map(Object.entries(listed).map(([native, values]) => [native, new Map(Object.entries(values))]));
}

function compileControl(rule: ControlRule): CompiledControl {
  const { name, action, text } = rule;
  return {
    name,
    action,
    text,
    connections: setOf(rule.connections),
    when: optionalPredicate(rule.when),
    correlation: optional(rule.correlation),
    rows: optionalRows(rule.rows),
    where: optionalPredicate(rule.where ?? null),
    echo: rule.echo.map(compileExpression),
    accepted: optionalRows(rule.accepted),
    rejected: optionalRows(rule.rejected),
    reason: optional(rule.reason),
    final: optionalPredicate(rule.final),
    capture: optional(rule.capture),
    captures: Object.entries(rule.captures ?? {}).map(([name, one]) => [name, compileExpression(one)] as const),
    alias: rule.alias === null ? null : compileAlias(rule.alias),
  };
}

function compileAlias({ key, set }: AliasRule): CompiledAlias {
  const texts = set === null ? null : new Map(
    Object.entries(set).map(([name, expression]) => [name, compileExpression(expression)]),
  );
  return { key: compileExpression(key), set: texts };
}

function compileEvent(rule: EventRule): CompiledEvent {
  const { name, kind, channel, source, skipFirstFrame, askedOnly } = rule;
  return {
    name,
    kind,
    channel,
    source,
    skipFirstFrame,
    ...(askedOnly === undefined ? {} : { askedOnly }),
    connections: setOf(rule.connections),
    when: compilePredicate(rule.when),
    unwrap: rule.unwrap === null ? null : { ...rule.unwrap, at: compileExpression(rule.unwrap.at) },
    rows: compileRows(rule.rows),
    where: optionalPredicate(rule.where),
    symbol: optionalField(rule.symbol),
    exchangeTs: optionalField(rule.exchangeTs),
    fields: new Map(Object.entries(rule.fields).map(([name, field]) => [name, compileField(field)])),
    book: rule.book === null ? null : compileBookFields(rule.book),
    merge: compileMerge(rule),
  };
}

function compileMerge({ merge, fields }: EventRule): CompiledMerge | null {
  if (merge === null) return null;
  const { start, state } = merge;
  return {
    start: optionalPredicate(start),
    state: state === undefined
      ? null
      : { ...state, of: optional(state.of), owns: new Set(state.partial ? [] : Object.keys(fields)) },
  };
}

function compileBookFields(fields: BookFields): CompiledBookFields {
  const { snapshot } = fields;
  return {
    snapshot: typeof snapshot === "boolean" ? snapshot : compilePredicate(snapshot),
    bids: optionalRows(fields.bids),
    asks: optionalRows(fields.asks),
    levels: optionalRows(fields.levels),
    furtherLevels: (fields.furtherLevels ?? []).map(compileRows),
    bidLevel: compileLevel(fields.bidLevel),
    askLevel: compileLevel(fields.askLevel),
    side: optionalField(fields.side),
    dropMalformedLevels: fields.dropMalformedLevels,
  };
}

function compileLevel({ price, size, id, order, stride }: LevelRule): CompiledLevel {
  return {
    price: compileExpression(price),
    size: compileExpression(size),
    id: optional(id),
    order: order === undefined ? null : { change: optional(order.change) },
    stride: stride ?? null,
  };
}

function compileParse(rule: ParseRule): CompiledParse {
  return {
    channel: compileField(rule.channel),
    symbol: compileField(rule.symbol),
    serverTime: optionalField(rule.serverTime),
    sequence: optionalField(rule.sequence),
    messageId: optionalField(rule.messageId),
  };
}

/** Compiles a field rule. */
export function compileField(rule: FieldRule): CompiledField {
  return {
    ...rule,
    sources: rule.sources.map(compileExpression),
    absent: setOf(rule.absent),
    map: rule.map === null ? null : new Map(Object.entries(rule.map)),
  };
}

function optional(expression: Expression | null): CompiledExpression | null {
  return expression === null ? null : compileExpression(expression);
}

function optionalPredicate(predicate: Predicate | null): CompiledPredicate | null {
  return predicate === null ? null : compilePredicate(predicate);
}

function optionalRows(rows: Rows | null): CompiledRows | null {
  return rows === null ? null : compileRows(rows);
}

function optionalField(rule: FieldRule | null): CompiledField | null {
  return rule === null ? null : compileField(rule);
}

function setOf(texts: readonly string[] | null): ReadonlySet<string> | null {
  return texts === null ? null : new Set(texts);
}
