import assert from "node:assert/strict";
import { Failure, type FrameRecord, type Observation } from "../../src/model/mod.ts";
import { fakeSink, withDelivery } from "../support/delivery_rig.ts";

Deno.test("Delivery stops when it is abandoned, although its sink never returns from a write", async () => {
  const asked = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const write = () => {
    asked.resolve();
    return held.promise;
  };
  let flushed = false;
  const flush = () => {
    flushed = true;
    return Promise.resolve();
  };
  await withDelivery(fakeSink({ write, flush }), async ({ journal, delivery, feed }) => {
    delivery.start();
    await feed(1);
    await asked.promise;
    const abandon = new AbortController();
    const stopped = delivery.stop(abandon.signal);
    abandon.abort();
    await stopped;
    held.resolve();
    while (delivery.status.state !== "stopped") await new Promise((resolve) => setTimeout(resolve, 1));
    assert.equal(await journal.loadCursor("fake"), null, "what was abandoned is not committed");
    assert.equal(flushed, false);
  });
});

Deno.test("Delivery that waits to try a failed sink again tries it once more at the stop and does not wait", async () => {
  let opened = 0;
  const open = () => {
    opened++;
    return Promise.reject(new Failure("file", "Cannot open the folder: injected"));
  };
  const waiting = Promise.withResolvers<void>();
  const sleep = (_ms: number, signal?: AbortSignal) => {
    waiting.resolve();
    return new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve()));
  };
  await withDelivery(fakeSink({ open }), async ({ delivery, feed }) => {
    await feed(1);
    delivery.start();
    await waiting.promise;
    await delivery.stop(new AbortController().signal);
    assert.equal(opened, 2);
    assert.equal(delivery.status.state, "stopped");
  }, { sleep });
});

Deno.test("Delivery whose sink never opened lags by the records that the journal holds", async () => {
  const open = () => Promise.reject(new Failure("file", "Cannot open the folder: injected"));
  await withDelivery(fakeSink({ open }), async ({ journal, delivery, feed }) => {
    await feed(3);
    assert.equal(delivery.status.lagRecords, journal.next - journal.oldest);
    assert.equal(delivery.status.lagRecords, 5, "the checkpoint, three frames and what was dropped");
  });
});

Deno.test("Delivery commits past records that hold nothing for its sink, so that the journal may let them go", async () => {
  const flushed = Promise.withResolvers<void>();
  let written = 0;
  const write = () => {
    written++;
    return Promise.resolve();
  };
  const flush = () => {
    flushed.resolve();
    return Promise.resolve();
  };
  const sink = fakeSink({ write, flush });
  await withDelivery(sink, async ({ journal, delivery }) => {
    delivery.start();
    const oldest = journal.oldest;
    const record: FrameRecord = { kind: "frame", session: 1, at: 1, binary: false, payload: new Uint8Array(100) };
    for (let i = 0; i < 20; i++) {
      for (let j = 0; j < 1_000; j++) journal.append(record);
      await journal.sync();
    }
    await flushed.promise;
    await delivery.stop(new AbortController().signal);
    assert.equal(written, 0);
    assert.equal(await journal.loadCursor("fake"), journal.synced);
    await journal.removePassed();
    assert.ok(journal.oldest > oldest, "passed segments are deleted");
  });
});

Deno.test("Delivery commits at once when the journal is full and waits for its sink alone, whatever the sink gathers", async () => {
  const sink = fakeSink({});
  await withDelivery(sink, async ({ journal, delivery, feed }) => {
    const freed = Promise.withResolvers<void>();
    // The cap is reached by the segment that is written and the ones before it, which only the sink holds back.
    while (!journal.full) {
      await feed(100);
      await journal.whenSealed();
    }
    const oldest = journal.oldest;
    journal.whenFreed(() => journal.oldest > oldest && freed.resolve());
    delivery.start();
    await freed.promise;
    assert.equal(journal.full, false);
    await delivery.stop(new AbortController().signal);
  }, { capBytes: 66 * 1024 });
});

Deno.test("Delivery waits longer each time for a sink that takes events and cannot make them safe", async () => {
  const flush = () => Promise.reject(new Failure("disk_full", "Cannot write the part: injected"));
  // It asks to be flushed a while after it was opened, as a part does that is filled or old enough.
  let looks = 0;
  const open = (committed: number) => {
    looks = 0;
    return Promise.resolve(committed);
  };
  const delays: number[] = [];
  const enough = Promise.withResolvers<void>();
  const sleep = (ms: number) => {
    delays.push(ms);
    if (delays.length >= 4) enough.resolve();
    return Promise.resolve();
  };
  const seen: Observation[] = [];
  await withDelivery(
    fakeSink({
      open,
      flush,
      get wantsFlush() {
        return ++looks > 1;
      },
    }),
    async ({ delivery, feed }) => {
      await feed(1);
      delivery.start();
      await enough.promise;
      await delivery.stop(new AbortController().signal);
      assert.deepEqual(delays.slice(0, 4), [250, 500, 1_000, 2_000]);
      assert.ok(!seen.some(({ kind }) => kind === "sink_recovered"), "nothing was made safe");
      assert.match(delivery.status.error ?? "", /Cannot write the part/);
    },
    { sleep, seen },
  );
});
