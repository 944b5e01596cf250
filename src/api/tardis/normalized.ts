import type { EventBatch, Micros } from "../../model/mod.ts";
import { type Computation, computationOf } from "./computed.ts";
import { type FlatEvent, iso, tardisMessage } from "./messages.ts";
import type { TardisOption } from "./options.ts";

/** Turns events into the normalised messages of a request's options, as lines of JSON. */
export class NormalizedMessages {
  readonly #options: readonly TardisOption[];
  /** Computations by option and instrument. */
  readonly #computations = new Map<string, readonly Computation[]>();
  /** Receive time of the last disconnect sent, by instance: one disconnect ends many streams. */
  readonly #disconnectTs = new Map<string, Micros>();

  constructor(options: readonly TardisOption[]) {
    this.#options = options;
  }

  /** Returns the lines of an event. */
  linesOf(event: FlatEvent): readonly string[] {
    if (event.kind === "gap") return this.#disconnect(event);
    const lines: string[] = [];
    let isPassed = false;
    for (const [index, option] of this.#options.entries()) {
      if (!isWanted(option, event)) continue;
      const message = tardisMessage(event);
      if (message !== null && option.types.has(message.type) && !isPassed) {
        isPassed = true;
        lines.push(JSON.stringify(message));
      }
      for (const computation of this.#computationsOf(index, option, event)) {
        for (const made of computation.add(event)) lines.push(JSON.stringify(made));
      }
    }
    return lines;
  }

  /** Yields the lines of a batch's events, in order. */
  *linesOfBatch(batch: EventBatch): Iterable<string> {
    for (let at = 0; at < batch.length; at++) {
      const { event, ...head } = batch.envelope(at);
      yield* this.linesOf({ ...head, ...event });
    }
  }

  #computationsOf(index: number, { computed }: TardisOption, event: FlatEvent): readonly Computation[] {
    if (computed.length === 0) return [];
    const key = `${index}\n${event.native_symbol}`;
    const known = this.#computations.get(key);
    if (known !== undefined) return known;
    const made = computed.map(computationOf);
    this.#computations.set(key, made);
    return made;
  }

  #disconnect(event: FlatEvent): readonly string[] {
    if (event.cause !== "disconnect" || event.state === "filled") return [];
    const exchange = String(event.exchange);
    const at = event.from_ts ?? event.received_ts;
    if (
      !this.#options.some((option) => option.disconnects && isTimely(option, event) && option.exchange === exchange)
    ) {
      return [];
    }
    if (typeof at !== "number" || (this.#disconnectTs.get(exchange) ?? -Infinity) >= at) return [];
    this.#disconnectTs.set(exchange, Number(event.received_ts));
    return [JSON.stringify({ type: "disconnect", exchange, localTimestamp: iso(event.received_ts) })];
  }
}

function isWanted(option: TardisOption, event: FlatEvent): boolean {
  if (option.exchange !== event.exchange || !isTimely(option, event)) return false;
  const { symbols } = option;
  return symbols === null || symbols.includes(String(event.native_symbol)) || symbols.includes(String(event.symbol));
}

function isTimely({ from, to }: TardisOption, event: FlatEvent): boolean {
  const at = Number(event.received_ts);
  return (from === null || at >= from) && (to === null || at < to);
}
