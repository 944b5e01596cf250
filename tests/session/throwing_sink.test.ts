import assert from "node:assert/strict";
import { Failure } from "../../src/model/mod.ts";
import type { SessionSink } from "../../src/session/mod.ts";
import { connectionPlan, item, request, SessionHarness } from "../support/session_harness.ts";
import type { SimulatedConnection } from "../support/simulated_host.ts";

const HOUR_MS = 3_600_000;

/** Streams that stand still have tests of their own. */
type Member = Exclude<keyof SessionSink, "stalled">;

const MEMBERS: readonly Member[] = ["opened", "frame", "acked", "rejected", "closed"];

/** What is thrown, and the cause that the session has to give. */
const THROWN = [
  { what: () => new Failure("busy", "Journal is busy"), cause: "journal_busy" },
  { what: () => new Failure("disk_full", "No space left", { retry: false }), cause: "journal_busy" },
  { what: () => new TypeError("undefined is not a function"), cause: "error" },
] as const;

/** What sets off each member on an open socket. */
const MOMENTS: Readonly<Record<Member, (harness: SessionHarness, socket: SimulatedConnection) => void>> = {
  opened: () => {},
  frame: (_, socket) => socket.frame("data"),
  acked: (harness) => harness.signal("ack", { correlation: "1" }),
  rejected: (harness) => harness.signal("reject", { correlation: "1", reason: "no" }),
  closed: (_, socket) => socket.end(1006, "gone"),
};

/** A session whose dials all succeed at once. */
function rig(): { readonly harness: SessionHarness; readonly sockets: SimulatedConnection[] } {
  const harness = new SessionHarness(connectionPlan());
  const sockets: SimulatedConnection[] = [];
  const { dialer } = harness.host;
  const dial = dialer.dial.bind(dialer);
  dialer.dial = (...args) => {
    const opening = dial(...args);
    void dialer.last.open();
    return opening.then((connection) => {
      sockets.push(connection as SimulatedConnection);
      return connection;
    });
  };
  return { harness, sockets };
}

/** Whatever was opened is closed, but for the last socket. */
function assertNoLeak(sockets: readonly SimulatedConnection[]): void {
  assert.deepEqual(sockets.slice(0, -1).map(({ ended }) => ended), sockets.slice(0, -1).map(() => true));
}

for (const member of MEMBERS) {
  for (const { what, cause } of THROWN) {
    const name = what() instanceof Failure ? (what() as Failure).code : "bug";
    Deno.test(`Session outlives a ${name} thrown by ${member}(), once and for half an hour`, async () => {
      for (const faultMs of [0, HOUR_MS / 2]) {
        const { harness, sockets } = rig();
        const { clock } = harness.host;
        let untilMs: number | null = null;
        harness.fault = (called) => {
          if (called !== member || (untilMs !== null && clock.monotonicMs() > untilMs)) return;
          untilMs ??= clock.monotonicMs() + faultMs - (faultMs === 0 ? 1 : 0);
          throw what();
        };
        harness.session.start();
        await clock.advance(0);
        assert.equal(sockets.length, 1);
        MOMENTS[member](harness, sockets[0]);
        if (member !== "closed") assert.notEqual(sockets[0].closing, null, "the socket is being closed");
        await clock.advance(HOUR_MS);
        assert.equal(harness.state, "subscribing");
        const last = sockets[sockets.length - 1];
        assert.ok(sockets.length >= 2);
        assert.equal(last.ended, false);
        assert.ok(last.texts[0].startsWith("sub "));
        assertNoLeak(sockets);
        const closed = harness.of("closed");
        // A bug in closed() is told once and not repeated: nobody knows how far it came.
        const untold = member === "closed" && cause === "error" ? 1 : 0;
        assert.equal(harness.of("opened").length, closed.length + 1 + untold);
        if (member !== "opened" && member !== "closed") {
          assert.deepEqual(closed.map((one) => one.cause), [cause]);
        }
        const stopping = harness.session.stop();
        await clock.advance(2000);
        await stopping;
        assert.equal(harness.host.clock.pending, 0);
        assert.ok(sockets.every(({ ended }) => ended));
      }
    });
  }
}

Deno.test("Session connects no more often than its backoff while the sink takes nothing", async () => {
  const { harness, sockets } = rig();
  harness.fault = () => {
    throw new Failure("busy", "Journal is busy");
  };
  harness.host.random.value = 0.999999;
  harness.session.start();
  await harness.host.clock.advance(HOUR_MS);
  assert.ok(sockets.length >= 60 && sockets.length <= 70, `${sockets.length} sockets in an hour`);
  assert.ok(sockets.every(({ ended }) => ended));
  assert.equal(harness.records.length, 0);
  assert.equal(new Set(harness.host.dialer.dials.map(({ options }) => options.url)).size, 1);
});

Deno.test("Session opens no socket before the sink has taken the end of the last one", async () => {
  const { harness, sockets } = rig();
  let busy = true;
  harness.fault = (member) => {
    if (busy && member === "closed") throw new Failure("busy", "Journal is busy");
  };
  harness.session.start();
  await harness.host.clock.advance(0);
  sockets[0].end(1001, "going away");
  await harness.host.clock.advance(HOUR_MS);
  assert.equal(sockets.length, 1);
  assert.ok(harness.observed("connect_failed").length >= 60);
  busy = false;
  await harness.host.clock.advance(60_000);
  assert.equal(sockets.length, 2);
  assert.deepEqual(harness.records.map(({ kind }) => kind), ["opened", "closed", "opened"]);
  assert.deepEqual(harness.of("closed")[0], { kind: "closed", cause: "peer", code: 1001, reason: "going away" });
});

Deno.test("Session tells the end that is owed at its stop, and stops also where the sink still takes nothing", async () => {
  for (const recovers of [true, false]) {
    const { harness, sockets } = rig();
    let busy = true;
    harness.fault = (member) => {
      if (busy && member === "closed") throw new Failure("busy", "Journal is busy");
    };
    harness.session.start();
    await harness.host.clock.advance(0);
    sockets[0].end(1001, "going away");
    await harness.host.clock.advance(1000);
    busy = !recovers;
    const stopping = harness.session.stop();
    await harness.host.clock.advance(1000);
    await stopping;
    assert.equal(harness.state, "closed");
    assert.equal(harness.of("closed").length, recovers ? 1 : 0);
  }
});

Deno.test("Session counts frames as dropped that come after its sink broke", async () => {
  const { harness, sockets } = rig();
  harness.fault = (member) => {
    if (member === "frame") throw new Failure("busy", "Journal is busy");
  };
  harness.session.start();
  await harness.host.clock.advance(0);
  for (let i = 0; i < 5; i++) sockets[0].frame(`data ${i}`);
  const dropped = harness.observed("frames_dropped");
  assert.equal(dropped.reduce((sum, { frames }) => sum + frames, 0), 5);
  assert.ok(dropped.every(({ reason }) => reason === "Journal is busy"));
});

Deno.test("Session counts frames as dropped that come on a socket whose opening could not be recorded", async () => {
  const harness = new SessionHarness(connectionPlan());
  harness.fault = (member) => {
    if (member === "opened") throw new Failure("busy", "Journal is busy");
  };
  const socket = await harness.open({ answersClose: false });
  socket.frame("one");
  socket.frame("two");
  await harness.host.clock.advance(1000);
  assert.equal(socket.ended, true);
  assert.equal(harness.of("frame").length, 0);
  assert.equal(harness.observed("frames_dropped").length, 2);
});

Deno.test("Session survives a throw of its sink from within a timer", async () => {
  const plan = connectionPlan({ requests: [request([item("A")], { timeoutMs: 1000 })] });
  const harness = new SessionHarness(plan);
  const socket = await harness.open();
  harness.fault = (member) => {
    if (member === "acked") throw new Failure("busy", "Journal is busy");
  };
  harness.data("A");
  await harness.host.clock.advance(1001);
  assert.notEqual(socket.closing, null);
  await harness.host.clock.advance(1);
  assert.deepEqual(harness.of("closed").map(({ cause }) => cause), ["journal_busy"]);
  harness.fault = () => {};
  await harness.reopen();
});

Deno.test("Session is faulted, and says why, where a bug ends it between two sockets", async () => {
  const { harness, sockets } = rig();
  harness.host.random.next = () => {
    throw new TypeError("next is not a number");
  };
  harness.session.start();
  await settle();
  sockets[0].end(1006, "gone");
  await settle();
  assert.deepEqual(harness.session.status.state, { kind: "faulted", reason: "bug: TypeError: next is not a number" });
  await harness.session.stop();
});

/** Lets everything that is ready happen. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve();
}
