import assert from "node:assert/strict";
import { Failure, type Observation, type Offset } from "../../src/model/mod.ts";
import type { Sink } from "../../src/sink/mod.ts";
import { CAPABILITIES, type DeliveryRig, fakeSink, withDelivery } from "../support/delivery_rig.ts";

/** Resolves with the first observation that fits. */
function firstOf(seen: Observation[]) {
  const waiting = new Set<() => void>();
  const push = seen.push.bind(seen);
  seen.push = (...added) => {
    const length = push(...added);
    for (const look of waiting) look();
    return length;
  };
  return <K extends Observation["kind"]>(kind: K) =>
    new Promise<Extract<Observation, { kind: K }>>((resolve) => {
      const look = () => {
        for (const observation of seen) {
          if (isOf(observation, kind)) {
            waiting.delete(look);
            resolve(observation);
            return;
          }
        }
      };
      waiting.add(look);
      look();
    });
}

function isOf<K extends Observation["kind"]>(seen: Observation, kind: K): seen is Extract<Observation, { kind: K }> {
  return seen.kind === kind;
}

async function stop({ delivery }: DeliveryRig): Promise<void> {
  await delivery.stop(new AbortController().signal);
}

const QUICK = { flush: { everyMs: 0, bytes: null, events: null } };

for (
  const [what, error] of [
    ["a TypeError", new TypeError("undefined is no function")],
    ["a text", "no error at all"],
    ["undefined", undefined],
  ] as const
) {
  for (const call of ["open", "write", "flush", "close"] as const) {
    Deno.test(`Delivery goes on when ${call} of its sink throws ${what}, and says that it is a bug`, async () => {
      let thrown = 0;
      const throwing = () => {
        if (thrown++ > 0) throw new Failure("file", "Cannot do it: injected");
        throw error;
      };
      const seen: Observation[] = [];
      const first = firstOf(seen);
      let made = 0;
      const events: Offset[] = [];
      const good = fakeSink({
        write: (batch) => {
          for (const { offset } of batch.events) events.push(offset);
          return Promise.resolve();
        },
      });
      const bad = fakeSink(
        call === "close"
          ? { close: throwing, write: () => Promise.reject(new Failure("file", "Cannot write: injected")) }
          : { [call]: throwing },
      );
      await withDelivery(() => made++ === 0 ? bad : good, async (rig) => {
        await rig.feed(1);
        rig.delivery.start();
        await first("sink_recovered");
        await stop(rig);
        const failed = seen.filter((observation) => isOf(observation, "sink_failed"));
        assert.ok(failed.some((observation) => isOf(observation, "sink_failed") && observation.bug));
        assert.equal(events.length, 1, "what the failed sink was given is delivered again");
      }, { seen, delivery: QUICK, sleep: () => Promise.resolve() });
    });
  }
}

for (const call of ["open", "write", "flush"] as const) {
  Deno.test(`Delivery abandons ${call} that hangs, aborts its signal and goes on with a new sink`, async () => {
    const seen: Observation[] = [];
    const first = firstOf(seen);
    let aborted: unknown = null;
    const hang = (_: unknown, signal: AbortSignal) => {
      signal.addEventListener("abort", () => aborted = signal.reason);
      return new Promise<never>(() => {});
    };
    let made = 0;
    const deadlines = { openMs: 20, writeMs: 20, flushMs: 20, closeMs: 20 };
    await withDelivery(() => made++ === 0 ? fakeSink({ [call]: hang }) : fakeSink({}), async (rig) => {
      await rig.feed(1);
      rig.delivery.start();
      const failed = await first("sink_failed");
      assert.match(failed.error, /did not come back within 20 ms/);
      assert.equal(failed.bug, false);
      assert.ok(aborted instanceof Failure && aborted.code === "timeout");
      await first("sink_recovered");
      await stop(rig);
    }, { seen, sleep: () => Promise.resolve(), delivery: { ...QUICK, capabilities: { ...CAPABILITIES, deadlines } } });
  });
}

Deno.test("Delivery doubles the deadlines of a sink that came to them, so that a slow one comes through", async () => {
  const seen: Observation[] = [];
  const first = firstOf(seen);
  const flush = () => new Promise<void>((resolve) => setTimeout(resolve, 60));
  const deadlines = { openMs: 1_000, writeMs: 1_000, flushMs: 25, closeMs: 1_000 };
  await withDelivery(fakeSink({ flush }), async (rig) => {
    await rig.feed(1);
    rig.delivery.start();
    await first("sink_recovered");
    await stop(rig);
  }, { seen, sleep: () => Promise.resolve(), delivery: { ...QUICK, capabilities: { ...CAPABILITIES, deadlines } } });
});

Deno.test("Delivery says to a new sink how many calls before it timed out, until one has made events safe", async () => {
  const seen: Observation[] = [];
  const first = firstOf(seen);
  const told: number[] = [];
  const createSink = (_: string | null, timeouts: number) => {
    told.push(timeouts);
    const write = () => Promise.reject(new Failure("timeout", "Cannot write: injected"));
    return fakeSink(told.length <= 2 ? { write } : {});
  };
  await withDelivery(fakeSink({}), async (rig) => {
    await rig.feed(1);
    rig.delivery.start();
    await first("sink_recovered");
    rig.delivery.reopen();
    while (told.length < 4) await new Promise((resolve) => setTimeout(resolve, 1));
    await stop(rig);
  }, { seen, sleep: () => Promise.resolve(), delivery: { ...QUICK, createSink } });
  assert.deepEqual(told, [0, 1, 2, 0]);
});

Deno.test("Delivery whose sink hangs is failing long before the deadline, and says in which call", async () => {
  let nowMs = 0;
  const asked = Promise.withResolvers<void>();
  const write = () => {
    asked.resolve();
    return new Promise<never>(() => {});
  };
  await withDelivery(fakeSink({ write }), async ({ delivery, feed }) => {
    await feed(1);
    delivery.start();
    await asked.promise;
    assert.notEqual(delivery.status.state, "failing");
    nowMs = 12_000;
    assert.equal(delivery.status.state, "failing");
    assert.match(delivery.status.error ?? "", /write has not come back for 12 s/);
    delivery.lookAtProgress();
    assert.notEqual(delivery.status.waitingSince, null);
    const abandon = new AbortController();
    abandon.abort();
    await delivery.stop(abandon.signal);
  }, { clock: { monotonicMs: () => nowMs } });
});

Deno.test("Delivery whose sink fails at each write is failing at every look in between", async () => {
  const states = new Set<string>();
  let writes = 0;
  const enough = Promise.withResolvers<void>();
  let status = () => "";
  const look = () => {
    if (writes > 0) states.add(status());
    return Promise.resolve();
  };
  const sink = fakeSink({
    open: async (committed) => {
      await look();
      return committed;
    },
    write: async () => {
      await look();
      if (++writes > 5) enough.resolve();
      throw new Failure("sink", "Cannot write: injected");
    },
    close: look,
  });
  await withDelivery(sink, async (rig) => {
    status = () => rig.delivery.status.state;
    await rig.feed(1);
    rig.delivery.start();
    await enough.promise;
    await stop(rig);
    assert.deepEqual([...states], ["failing"]);
  }, { sleep: look });
});

Deno.test("Delivery is blocked while a person has to act, tries again all the same, and is well when it was done", async () => {
  const seen: Observation[] = [];
  const first = firstOf(seen);
  let allowed = false;
  const delays: number[] = [];
  const sink = fakeSink({
    open: (committed) =>
      allowed ? Promise.resolve(committed) : Promise.reject(new Failure("sink", "No permission", { retry: false })),
  });
  const states: string[] = [];
  let status = () => "";
  const sleep = (ms: number) => {
    delays.push(ms);
    states.push(status());
    allowed = delays.length >= 3;
    return Promise.resolve();
  };
  await withDelivery(sink, async (rig) => {
    status = () => rig.delivery.status.state;
    await rig.feed(1);
    rig.delivery.start();
    await first("sink_recovered");
    assert.equal(rig.delivery.status.state, "delivering");
    assert.equal(rig.delivery.status.error, null);
    await stop(rig);
    assert.deepEqual(states, ["blocked", "blocked", "blocked"]);
    assert.equal(new Set(delays).size, 1, "it waits as long each time");
    assert.ok(seen.some((observation) => isOf(observation, "sink_failed") && observation.blocked));
  }, { seen, sleep, delivery: QUICK });
});

Deno.test("Delivery stops by itself when nobody reads any more, and its position holds nothing back", async () => {
  const gone = Promise.withResolvers<void>();
  const write = () => Promise.reject(new Failure("gone", "The reader has gone", { retry: false }));
  await withDelivery(fakeSink({ write }), async (rig) => {
    const { journal, delivery, feed } = rig;
    const oldest = journal.oldest;
    await journal.commitCursor("other", journal.synced);
    await feed(1);
    delivery.start();
    await gone.promise;
    for (let i = 0; i < 20; i++) await feed(100);
    await journal.whenSealed();
    await journal.commitCursor("other", journal.synced);
    await journal.removePassed();
    assert.ok(journal.oldest > oldest);
    await stop(rig);
    assert.equal(delivery.status.state, "stopped");
  }, { delivery: { onGone: () => gone.resolve() } });
});

Deno.test("Delivery skips what the destination has already", async () => {
  const given: Offset[] = [];
  let stand: Offset = 0;
  const sink = fakeSink({
    open: () => Promise.resolve(stand),
    write: ({ events, from, next }) => {
      for (const { offset } of events) given.push(offset);
      assert.ok(from >= stand && next > from);
      return Promise.resolve();
    },
  });
  await withDelivery(sink, async (rig) => {
    await rig.feed(3);
    stand = rig.journal.next;
    await rig.feed(3);
    const last = rig.journal.next - 1;
    rig.delivery.start();
    await stop(rig);
    assert.deepEqual(given, [last]);
  });
});

Deno.test("Delivery gives a destination that is behind what it lacks, and keeps it in the journal until then", async () => {
  const given: Offset[] = [];
  let behind: Offset = 0;
  const sink = fakeSink({
    open: () => Promise.resolve(behind),
    write: ({ events }) => {
      for (const { offset } of events) given.push(offset);
      return Promise.resolve();
    },
  });
  await withDelivery(sink, async (rig) => {
    behind = rig.journal.next;
    await rig.feed(3);
    await rig.feed(3);
    await rig.journal.commitCursor("fake", rig.journal.synced);
    rig.delivery.start();
    await stop(rig);
    assert.equal(given.length, 2);
  });
});

Deno.test("Delivery is blocked by a destination that is further than the journal ever was", async () => {
  const seen: Observation[] = [];
  const first = firstOf(seen);
  await withDelivery(fakeSink({ open: () => Promise.resolve(Number.MAX_SAFE_INTEGER - 1) }), async (rig) => {
    await rig.feed(1);
    rig.delivery.start();
    const failed = await first("sink_failed");
    assert.equal(failed.blocked, true);
    assert.match(failed.error, /was written from another journal/);
    await stop(rig);
  }, { seen });
});

Deno.test("Delivery tells its sink by a gap of what left the journal before it had it", async () => {
  const seen: Observation[] = [];
  const gaps: string[] = [];
  const sink = fakeSink({
    write: ({ events }) => {
      for (const { event, exchange, offset } of events) {
        if (event.kind === "gap" && event.detail.startsWith("records")) {
          gaps.push(`${exchange} ${event.cause} ${event.state} ${event.detail} @${offset}`);
        }
      }
      return Promise.resolve();
    },
  });
  await withDelivery(sink, async (rig) => {
    const { journal } = rig;
    const began = journal.oldest;
    await journal.commitCursor("fake", began + 1);
    journal.forgetCursor("fake");
    for (let i = 0; i < 20; i++) await rig.feed(200);
    await journal.whenSealed();
    await journal.commitCursor("other", journal.synced);
    await journal.removePassed();
    const { oldest } = journal;
    assert.ok(oldest > began + 1);
    rig.delivery.start();
    await stop(rig);
    assert.deepEqual(gaps, [
      `alpha dropped closed records ${began + 1} to ${oldest - 1} left the journal before this sink had them @${
        oldest - 1
      }`,
    ]);
    assert.ok(seen.some((observation) => isOf(observation, "gap") && observation.exchange === "alpha"));
  }, { seen });
});

Deno.test("Delivery gives an emptied destination all again, and tells of a gap only where the journal no longer has it", async () => {
  for (const isShortened of [false, true]) {
    const gaps: string[] = [];
    let given = 0;
    const sink = fakeSink({
      open: () => Promise.resolve(0),
      write: ({ events }) => {
        for (const { event } of events) {
          if (event.kind === "gap" && event.detail.startsWith("records")) gaps.push(event.detail);
          else given++;
        }
        return Promise.resolve();
      },
    });
    await withDelivery(sink, async (rig) => {
      const { journal } = rig;
      const began = journal.oldest;
      assert.equal(journal.began, began);
      for (let i = 0; i < 20; i++) await rig.feed(200);
      await journal.commitCursor("fake", journal.synced);
      if (isShortened) {
        await journal.whenSealed();
        await journal.removePassed();
      }
      const { oldest } = journal;
      assert.equal(oldest > began, isShortened);
      rig.delivery.start();
      await stop(rig);
      const lost = `records ${began} to ${oldest - 1} left the journal before this sink had them`;
      assert.deepEqual(gaps, isShortened ? [lost] : []);
      assert.ok(isShortened ? given < 20 : given === 20, `${given} events`);
    });
  }
});

Deno.test("Delivery flushes nothing before the place where its sink has to cut, not even at its end", async () => {
  const flushed: Offset[] = [];
  let cutsAt: Offset | null = null;
  const sink = fakeSink({
    flush: (next) => {
      flushed.push(next);
      cutsAt = null;
      return Promise.resolve();
    },
  });
  Object.defineProperty(sink, "cutsAt", { get: () => cutsAt });
  const flush = { everyMs: 0, bytes: null, events: 1 };
  for (const isReached of [false, true]) {
    flushed.length = 0;
    await withDelivery(sink, async (rig) => {
      await rig.feed(3);
      const cut = rig.journal.next + (isReached ? 4 : 100);
      cutsAt = cut;
      await rig.feed(3);
      await rig.feed(3);
      const before = await rig.journal.loadCursor("fake");
      rig.delivery.start();
      await stop(rig);
      if (!isReached) {
        assert.deepEqual([flushed, await rig.journal.loadCursor("fake")], [[], before]);
        return;
      }
      assert.ok(flushed.length > 0 && flushed.every((next) => next >= cut), `${flushed}`);
      assert.equal(await rig.journal.loadCursor("fake"), rig.journal.synced);
    }, { delivery: { flush } });
  }
});

Deno.test("Delivery tells a new sink at an empty destination of no gap", async () => {
  let gaps = 0;
  const write: Sink["write"] = ({ events }) => {
    gaps += events.filter(({ event }) => event.kind === "gap" && event.detail.startsWith("records")).length;
    return Promise.resolve();
  };
  await withDelivery(fakeSink({ open: () => Promise.resolve(0), write }), async (rig) => {
    const { journal } = rig;
    await journal.commitCursor("other", journal.oldest);
    for (let i = 0; i < 20; i++) await rig.feed(200);
    await journal.whenSealed();
    journal.forgetCursor("fake");
    await journal.commitCursor("other", journal.synced);
    await journal.removePassed();
    assert.ok(journal.oldest > (journal.began ?? 0));
    rig.delivery.start();
    await stop(rig);
    assert.equal(gaps, 0);
  });
});

Deno.test("Delivery begins a sink without a cursor at the oldest record that is kept, and tells of no gap", async () => {
  const given: Offset[] = [];
  const sink = fakeSink({
    write: ({ events }) => {
      for (const { offset } of events) given.push(offset);
      return Promise.resolve();
    },
  });
  await withDelivery(sink, async (rig) => {
    await rig.feed(2);
    await rig.feed(2);
    rig.delivery.start();
    await stop(rig);
    assert.equal(given.length, 2);
  });
});

Deno.test("Delivery keeps several writes under way where its sink allows it, never more, and flushes after all of them", async () => {
  let underWay = 0;
  let flushedWith = -1;
  const held = Promise.withResolvers<void>();
  let begun = Promise.withResolvers<void>();
  const sink = fakeSink({
    write: async () => {
      underWay++;
      begun.resolve();
      await held.promise;
      underWay--;
    },
    flush: () => {
      flushedWith = underWay;
      return Promise.resolve();
    },
  });
  await withDelivery(sink, async (rig) => {
    rig.delivery.start();
    for (let count = 1; count <= 3; count++) {
      begun = Promise.withResolvers();
      await rig.feed(1);
      await begun.promise;
      assert.equal(underWay, count);
    }
    for (let i = 0; i < 30; i++) await rig.feed(1);
    assert.equal(underWay, 3, "never more");
    held.resolve();
    await stop(rig);
    assert.deepEqual([underWay, flushedWith], [0, 0]);
  }, { delivery: { capabilities: { ...CAPABILITIES, writesInFlight: 3 } } });
});

Deno.test("Delivery notices a write under way that fails although nothing more comes", async () => {
  const seen: Observation[] = [];
  const first = firstOf(seen);
  let writes = 0;
  const write = async () => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (writes++ === 0) throw new Failure("sink", "Cannot write: injected");
  };
  await withDelivery(fakeSink({ write }), async (rig) => {
    await rig.feed(1);
    rig.delivery.start();
    await first("sink_failed");
    await first("sink_recovered");
    await stop(rig);
    assert.equal(writes, 2);
  }, { seen, delivery: { ...QUICK, capabilities: { ...CAPABILITIES, writesInFlight: 3 } } });
});

for (const bound of ["events", "bytes"] as const) {
  Deno.test(`Delivery flushes at the bound of ${bound}`, async () => {
    const flushed = Promise.withResolvers<void>();
    const flush = () => Promise.resolve(flushed.resolve());
    const policy = { everyMs: 1e9, bytes: null, events: null, [bound]: bound === "events" ? 2 : 300 };
    await withDelivery(fakeSink({ flush }), async (rig) => {
      rig.delivery.start();
      await rig.feed(1);
      await rig.feed(1);
      await flushed.promise;
      await stop(rig);
    }, { delivery: { flush: policy } });
  });
}

Deno.test("Delivery.reopen() commits, closes the sink and opens a new one where it stands", async () => {
  const calls: string[] = [];
  const reopened = Promise.withResolvers<void>();
  const written = Promise.withResolvers<void>();
  let made = 0;
  const make = () => {
    const number = ++made;
    return fakeSink({
      open: (committed) => {
        calls.push(`open ${number}`);
        if (number === 2) reopened.resolve();
        return Promise.resolve(committed);
      },
      write: () => {
        calls.push(`write ${number}`);
        written.resolve();
        return Promise.resolve();
      },
      flush: () => Promise.resolve(void calls.push(`flush ${number}`)),
      close: () => Promise.resolve(void calls.push(`close ${number}`)),
    });
  };
  await withDelivery(make, async (rig) => {
    rig.delivery.start();
    await rig.feed(1);
    await written.promise;
    rig.delivery.reopen();
    await reopened.promise;
    await stop(rig);
    assert.deepEqual(calls, ["open 1", "write 1", "flush 1", "close 1", "open 2", "flush 2", "close 2"]);
  });
});

Deno.test("Delivery fails, and does not spin, where the journal gives nothing of what is synced", async () => {
  const seen: Observation[] = [];
  const first = firstOf(seen);
  let reads = 0;
  // deno-lint-ignore require-yield -- it gives nothing
  const read = async function* () {
    reads++;
    await Promise.resolve();
  };
  await withDelivery(fakeSink({}), async (rig) => {
    await rig.feed(1);
    rig.delivery.start();
    const failed = await first("sink_failed");
    assert.match(failed.error, /nothing is there from offset/);
    assert.equal(reads, 1);
    await stop(rig);
  }, { seen, read });
});

Deno.test("Delivery gives events to a sink of the collector that they were collected by", async () => {
  const given: [string | null, number][] = [];
  const seen: Observation[] = [];
  let until = Infinity;
  const createSink = (collector: string | null) =>
    fakeSink({
      write: ({ events }) => {
        for (const { offset } of events) given.push([collector, offset]);
        return Promise.resolve();
      },
    });
  await withDelivery(() => fakeSink({}), async (rig) => {
    const { journal } = rig;
    journal.collectorAt = (offset) =>
      offset < until ? { name: "one", until: until === Infinity ? null : until } : { name: "two", until: null };
    await rig.feed(2);
    until = journal.next;
    await rig.feed(3);
    rig.delivery.start();
    await stop(rig);
    assert.deepEqual(given.map(([name, offset]) => [name, offset < until]), [["one", true], ["two", false]]);
  }, { seen, delivery: { ...QUICK, createSink } });
});

Deno.test("Delivery tries a sink that is away again soon, however long it has been away", async () => {
  const delays: number[] = [];
  const seen: Observation[] = [];
  const first = firstOf(seen);
  let attempts = 0;
  const open = (committed: Offset) =>
    ++attempts <= 30 ? Promise.reject(new Failure("connect", "Cannot connect: injected")) : Promise.resolve(committed);
  const sleep = (ms: number) => {
    delays.push(ms);
    return Promise.resolve();
  };
  await withDelivery(() => fakeSink({ open }), async (rig) => {
    await rig.feed(1);
    rig.delivery.start();
    await first("sink_recovered");
    await stop(rig);
    assert.deepEqual(delays.slice(0, 5), [250, 500, 1000, 2000, 2000]);
    assert.equal(Math.max(...delays), 2000);
  }, { seen, delivery: QUICK, sleep });
});
