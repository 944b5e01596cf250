import { EVENT_KINDS } from "../model/mod.ts";
import type { CompiledFrames, CompiledParse } from "../program/mod.ts";
import type { ReadContext } from "./context.ts";
import type { FrameOrigin } from "./event_reader.ts";
import { FieldReader } from "./field.ts";
import type { FrameEvents } from "./frame_events.ts";
import type { SymbolMap } from "./symbols.ts";

/** Rule name under which frames read by the parse table are counted. */
export const PARSE_RULE_NAME = "parse";

/** Reads the `raw` event of a frame by the parse table of a descriptor without event rules. */
export class RawReader {
  readonly #channel: FieldReader;
  readonly #symbol: FieldReader;
  readonly #serverTime: FieldReader | null;
  readonly #sequence: FieldReader | null;
  readonly #messageId: FieldReader | null;
  readonly #channels: CompiledFrames["channels"];
  readonly #wanted: CompiledFrames["wanted"];
  readonly #symbols: SymbolMap;

  constructor(rule: CompiledParse, plan: Pick<CompiledFrames, "channels" | "wanted">, symbols: SymbolMap) {
    this.#channel = new FieldReader(rule.channel, "parse.channel", true);
    this.#symbol = new FieldReader(rule.symbol, "parse.symbol", true);
    this.#serverTime = rule.serverTime === null ? null : new FieldReader(rule.serverTime, "parse.server_time");
    this.#sequence = rule.sequence === null ? null : new FieldReader(rule.sequence, "parse.sequence");
    this.#messageId = rule.messageId === null ? null : new FieldReader(rule.messageId, "parse.message_id");
    this.#channels = plan.channels;
    this.#wanted = plan.wanted;
    this.#symbols = symbols;
  }

  /** Appends the event; a missing required field, or a field of the wrong type, gives a fault instead. */
  read(context: ReadContext, origin: FrameOrigin, events: FrameEvents): void {
    context.atRoot();
    const native = this.#channel.text(context);
    const symbol = this.#symbol.text(context);
    const exchange_ts = this.#serverTime === null ? null : this.#serverTime.micros(context);
    const sequence = this.#sequence === null ? null : this.#sequence.integer(context);
    const message_id = this.#messageId === null ? null : this.#messageId.text(context);
    if (context.rowFailed || native === null || symbol === null) return;
    const channel = this.#channels.get(native) ?? null;
    if (this.#wanted !== null && channel !== null && !this.#wanted.has(channel)) return;
    const pair = context.translate(this.#symbols, origin.connectionId, symbol);
    if (pair === null) return;
    events.batch.begin(EVENT_KINDS.indexOf("raw"));
    const payload = context.document.source(0);
    events.batch.addFields({ kind: "raw", channel: native, sequence, message_id, payload });
    events.close({ channel, name: PARSE_RULE_NAME }, pair, exchange_ts, null, 0);
  }
}
