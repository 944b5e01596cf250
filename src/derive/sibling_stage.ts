import {
  type Channel,
  contentText,
  EVENT_SPECS,
  hasContentIdentity,
  type Micros,
  SIBLING_JOIN_US,
  SIBLING_PATIENCE_US,
  type Stream,
  streamKey,
} from "../model/mod.ts";
import type { FrameEvents } from "../normalize/mod.ts";
import type { RecordAccount } from "./account.ts";
import { closedGap } from "./gaps.ts";
import type { SessionMemory } from "./session_memory.ts";
import { leadKey, type Sibling, type SiblingGroup, type Waiting } from "./sibling_group.ts";

/**
 * Emits the first copy of each event that several sockets show. Events with an id or an exchange time are compared by
 * content; an event that occurs twice is emitted twice, as soon as one socket has shown it twice. For other events one
 * socket leads until it is gone or silent; a change of the leader emits a gap. A socket that opens beside others emits
 * nothing of a stream before it has shown an event that another one has shown since then, because an exchange repeats
 * past events to each new subscriber.
 */
export class SiblingStage {
  readonly #account: RecordAccount;

  constructor(account: RecordAccount) {
    this.#account = account;
  }

  /** Whether an event is emitted; counts it as seen either way. Not for updates of kept books. */
  passes(session: SessionMemory, group: SiblingGroup, found: FrameEvents, event: number): boolean {
    const sibling = group.sockets.get(session.id);
    if (sibling === undefined) return true;
    const { batch, rules, channels } = found;
    const [channel, symbol, rule] = [channels[event], batch.symbols[event], rules[event]];
    const kind = batch.kindAt(event);
    const ts = batch.exchangeTs.get(event);
    const { identity } = EVENT_SPECS[kind];
    // Sequences of orders and books are counted per socket.
    const isKnown = (identity === "id" || identity === "state") && kind !== "order" && channel !== null;
    const said = isKnown ? batch.event(event) : null;
    if (said === null || channel === null || !hasContentIdentity(said, ts)) {
      return this.#follows(sibling, group, { channel, symbol, native: batch.nativeSymbols[event], rule });
    }
    const key = `${rule}\n${contentText(batch.nativeSymbols[event], ts, said)}`;
    return this.#isNews(sibling, group, key, streamKey({ channel, symbol }));
  }

  /** Notes that streams were acknowledged: from here on the socket misses nothing of them. */
  acked(session: SessionMemory, streams: readonly Stream[], at: Micros): void {
    const sibling = session.siblings?.isShared(at) === true ? session.siblings.sockets.get(session.id) : undefined;
    for (const stream of streams) {
      if (sibling !== undefined && !session.hasData(stream.channel, stream.symbol)) {
        sibling.acked.set(streamKey(stream), at);
      }
    }
  }

  #isNews(sibling: Sibling, group: SiblingGroup, key: string, stream: string): boolean {
    const { at, offset } = this.#account;
    const { session } = sibling;
    const { sightings } = group;
    const seen = sightings.find(key) ?? sightings.add(key, at);
    const count = (seen.counts.get(session.id) ?? 0) + 1;
    seen.counts.set(session.id, count);
    if (count <= seen.emitted) {
      // Another socket has shown it, so this one's next events of the stream continue what was emitted.
      if (!sibling.isWhole && seen.at >= sibling.openedTs) prove(sibling, stream, { at, offset, events: 0 });
      return false;
    }
    if (!isJoined(sibling, stream, offset) && hasProven(group, sibling, stream, offset)) {
      const waiting = sibling.waiting.get(stream);
      if (waiting === undefined) sibling.waiting.set(stream, { events: 1, since: null });
      else waiting.events++;
      if (waiting === undefined || waiting.since === null || at - waiting.since <= SIBLING_JOIN_US) return false;
      join(sibling, stream, offset);
    }
    seen.emitted = count;
    for (const [id, shown] of seen.counts) {
      const other = group.sockets.get(id);
      if (other !== undefined && other !== sibling && shown >= count) prove(other, stream, { at, offset, events: 1 });
    }
    return true;
  }

  /** Whether the socket leads the stream, or takes the lead now. */
  #follows(
    { session, isWhole }: Sibling,
    group: SiblingGroup,
    { channel, symbol, native, rule }: {
      readonly channel: Channel | null;
      readonly symbol: string;
      readonly native: string;
      readonly rule: string;
    },
  ): boolean {
    const account = this.#account;
    const { at } = account;
    const key = leadKey(channel, symbol, rule);
    const lead = group.leads.get(key);
    if (lead === undefined) {
      const elder = isWhole ? undefined : [...group.sockets.values()].find((other) => other.isWhole);
      group.leads.set(key, { session: (elder?.session ?? session).id, at });
      return elder === undefined;
    }
    if (lead.session !== session.id) {
      if (lead.session !== null && at - lead.at <= SIBLING_PATIENCE_US) return false;
      const detail = lead.session === null ? "the socket that was read is gone" : "the socket that was read is silent";
      const action = "read from another socket of the connection";
      const gap = closedGap({ stream: channel, cause: "takeover", from: lead.at, to: at, detail, action });
      account.emitGap({ symbol, native }, gap);
      lead.session = session.id;
    }
    lead.at = at;
    return true;
  }
}

/** Whether another socket of the connection shows all of a stream that a session showed. */
export function isShownBySibling(session: SessionMemory, { channel, symbol }: Stream, at: Micros): boolean {
  const group = session.siblings;
  if (group === null || !group.isShared(at)) return false;
  const mine = session.streams.get(symbol)?.get(channel) ?? -1;
  for (const other of group.sockets.values()) {
    if (other.session !== session && shows(other, { channel, symbol }, { mine, at })) return true;
  }
  return false;
}

/** Whether another socket has shown data recently, so that it has the frames that a session lost. */
export function hasSibling(session: SessionMemory, at: Micros): boolean {
  const group = session.siblings;
  if (group === null || !group.isShared(at)) return false;
  return [...group.sockets.values()].some(({ session: other, waiting }) =>
    other !== session && ![...waiting.values()].some((one) => isWaiting(one, at)) && other.lastTs !== null &&
    at - other.lastTs <= SIBLING_PATIENCE_US
  );
}

/** Whether a socket shows a stream. `mine`: when the session in question last showed data; negative if it never did. */
function shows(
  { session, waiting, acked }: Sibling,
  { channel, symbol }: Stream,
  { mine, at }: { readonly mine: Micros; readonly at: Micros },
): boolean {
  const stream = streamKey({ channel, symbol });
  if (isWaiting(waiting.get(stream), at)) return false;
  for (const kept of session.books?.all() ?? []) {
    if (kept.symbol === symbol && kept.channel === channel && kept.keeper.state !== "valid") return false;
  }
  const theirs = session.streams.get(symbol)?.get(channel) ?? -1;
  if (theirs >= 0) return mine < 0 || theirs >= mine - SIBLING_PATIENCE_US;
  const since = acked.get(stream);
  return since !== undefined && mine <= since;
}

/**
 * Notes that a socket has shown an event that another one showed too. `events`: number of its waiting events emitted
 * with it.
 */
function prove(
  sibling: Sibling,
  stream: string,
  { at, offset, events }: { readonly at: Micros; readonly offset: number; readonly events: number },
): void {
  if (sibling.isWhole || sibling.joined.has(stream)) return;
  const waiting = sibling.waiting.get(stream);
  if (waiting !== undefined) {
    waiting.since ??= at;
    waiting.events -= events;
    // Events that no other socket shows, such as the snapshot that each new subscriber gets, must not delay others for
    // long.
    if (waiting.events > 0 && at - waiting.since <= SIBLING_JOIN_US) return;
  }
  join(sibling, stream, offset);
}

function isWaiting(waiting: Waiting | undefined, at: Micros): boolean {
  return waiting !== undefined && (waiting.since === null || at - waiting.since <= SIBLING_JOIN_US);
}

function join(sibling: Sibling, stream: string, offset: number): void {
  sibling.joined.set(stream, offset);
  sibling.waiting.delete(stream);
}

/**
 * True only from the frame after the one that proved it, because an exchange repeats the past in one frame, in any
 * order.
 */
function isJoined(sibling: Sibling, stream: string, offset: number): boolean {
  return sibling.isWhole || (sibling.joined.get(stream) ?? offset) < offset;
}

function hasProven(group: SiblingGroup, sibling: Sibling, stream: string, offset: number): boolean {
  for (const other of group.sockets.values()) {
    if (other !== sibling && isJoined(other, stream, offset)) return true;
  }
  return false;
}
