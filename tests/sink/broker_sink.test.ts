import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { Failure } from "../../src/model/mod.ts";
import { type Broker, BrokerSink } from "../../src/sink/broker/broker_sink.ts";
import { MessageMaker, type Place } from "../../src/sink/broker/messages.ts";
import { nameTemplate } from "../../src/sink/name_template.ts";
import { envelope, trade } from "../support/envelopes.ts";
import { ManualClock } from "../support/manual_clock.ts";

const TIMEOUT_MS = 5_000;
const EVENTS = 1_000;

/** A destination that takes a time for each message, and answers nobody after the timeout. */
class SlowBroker implements Broker {
  readonly bodyBytesMax = 1024 * 1024;
  readonly stored: number[] = [];
  /** Messages of each batch that was stored. */
  batches: number[] = [];
  msPerMessage = 0;
  place: Place | null = null;
  readonly #clock: ManualClock;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  open(): Promise<Place | null> {
    return Promise.resolve(this.place);
  }

  commit(messages: Parameters<Broker["commit"]>[0], next: Place): Promise<void> {
    const ms = messages.length * this.msPerMessage;
    this.#clock.advance(Math.min(ms, TIMEOUT_MS));
    if (ms > TIMEOUT_MS) return Promise.reject(new Failure("timeout", "Cannot write: no answer"));
    this.stored.push(...messages.map(({ offset }) => offset));
    if (messages.length > 0) this.batches.push(messages.length);
    this.place = next;
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function rig() {
  const clock = new ManualClock();
  const broker = new SlowBroker(clock);
  const events = Array.from({ length: EVENTS }, (_, at) => envelope(at + 1, trade()));
  const { signal } = new AbortController();
  /** One life of the sink, which is given all events that the destination lacks. */
  const live = async (timeouts: number) => {
    const names = nameTemplate("all", { collector: null, sink: "bus", escape: (part) => part });
    const sink = new BrokerSink(broker, {
      maker: new MessageMaker({ collector: null, names, withContentId: false }),
      batchMessages: EVENTS,
      timeoutMs: TIMEOUT_MS,
      context: { host: { ...denoHost(), clock }, timeouts },
    });
    const from = await sink.open(0, signal);
    await sink.write({ events: events.filter(({ offset }) => offset >= from), from, next: EVENTS + 1 }, signal);
    await sink.flush(EVENTS + 1, signal);
  };
  return { broker, live, offsets: events.map(({ offset }) => offset) };
}

Deno.test("BrokerSink halves its batches for each timeout before it, so that a slow destination gets all", async () => {
  const { broker, live, offsets } = rig();
  broker.msPerMessage = 35;
  let timeouts = 0;
  for (let done = false; !done;) {
    done = await live(timeouts).then(() => true, (error) => {
      assert.equal(error.code, "timeout");
      timeouts++;
      return false;
    });
  }
  assert.equal(timeouts, 3);
  assert.deepEqual(broker.stored, offsets);
  assert.deepEqual(broker.batches, Array.from({ length: 8 }, () => EVENTS / 8), "what takes long does not grow");
});

Deno.test("BrokerSink doubles its batches while full ones are stored quickly, up to what is configured", async () => {
  const { broker, live, offsets } = rig();
  await live(1_000);
  assert.deepEqual(broker.stored, offsets);
  assert.deepEqual(broker.batches, [1, 1, 3, 7, 15, 31, 62, 125, 250, 500, 5]);
  broker.place = null;
  broker.batches = [];
  await live(0);
  assert.deepEqual(broker.batches, [EVENTS]);
});
