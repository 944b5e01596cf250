import assert from "node:assert/strict";
import { encodeNote } from "../../src/group/mod.ts";
import { seeded } from "../support/seeded.ts";
import { GroupWorld, TTL_MS, type WorldMember } from "./group_world.ts";

const isWhole = (world: GroupWorld, copies = world.plan.replicas) =>
  world.coverage().every((members) => members === copies);

/** A world that has come to rest. */
async function settled(names: readonly string[], options: ConstructorParameters<typeof GroupWorld>[0] = {}) {
  const world = new GroupWorld(options);
  const members = names.map((name) => world.join(name));
  await world.run(3 * TTL_MS);
  assert.ok(isWhole(world), `covered: ${world.coverage()}`);
  return { world, members };
}

/** Watches that no share is ever without data. */
function neverUncovered(world: GroupWorld, least = 1): () => void {
  return () => assert.ok(world.coverage().every((members) => members >= least), `covered: ${world.coverage()}`);
}

Deno.test("members that begin together divide the shares without starting any twice", async () => {
  const { members } = await settled(["a", "b", "c"]);
  const started = members.flatMap(({ changes }) => changes.flatMap(({ start }) => start.map(({ share }) => share)));
  assert.deepEqual(started.sort((a, b) => a - b), [1, 2, 3, 4, 5, 6, 7, 8]);
});

Deno.test("a member that is killed is replaced within two ttls, and the hole is told from its last word on", async () => {
  const { world, members: [a, b, c] } = await settled(["a", "b", "c"]);
  const lost = new Set(a.liveFrom.keys());
  const killedTs = world.clock.nowMicros();
  a.kill();
  let wholeAfterMs: number | null = null;
  const killedMs = world.clock.monotonicMs();
  await world.run(2 * TTL_MS, () => {
    if (wholeAfterMs === null && isWhole(world)) wholeAfterMs = world.clock.monotonicMs() - killedMs;
  });
  assert.ok(wholeAfterMs !== null && wholeAfterMs <= 2 * TTL_MS, `whole after ${wholeAfterMs} ms`);
  const starts = [b, c].flatMap(({ changes }) => changes.flatMap(({ start }) => start)).filter(({ from }) =>
    from === "a"
  );
  assert.deepEqual(new Set(starts.map(({ share }) => share)), lost);
  for (const { fromTs } of starts) {
    assert.ok(fromTs !== null && fromTs <= killedTs && fromTs >= killedTs - TTL_MS * 1000, `${fromTs} of ${killedTs}`);
  }
});

Deno.test("whoever takes the share of a member that was killed knows what that one had last", async () => {
  const { world, members: [a, b, c] } = await settled(["a", "b", "c"]);
  a.last = [{ exchange: "one", channel: "trades", symbol: "A", id: "7", ts: 5 }];
  await world.run(TTL_MS);
  const [, safeTs] = [a.kill(), world.clock.nowMicros()];
  await world.run(2 * TTL_MS);
  const starts = [b, c].flatMap(({ changes }) => changes.flatMap(({ start }) => start));
  const taken = starts.filter(({ fromTs }) => fromTs !== null);
  assert.ok(taken.length > 0);
  for (const { from, fromTs, last } of taken) {
    assert.deepEqual([from, last], ["a", a.last]);
    assert.ok(fromTs !== null && fromTs <= safeTs);
  }
  // What was handed over without a hole is not to be fetched.
  for (const { fromTs, last } of starts) if (fromTs === null) assert.deepEqual(last, []);
});

Deno.test("a note of another life, one that cannot be read and an engine that gives none leave the hole told", async () => {
  for (const note of [encodeNote({ journal: "another", at: 5, last: [] }), "{", null]) {
    const { world, members: [a, b] } = await settled(["a", "b"]);
    a.kill();
    if (note === null) world.engine.notes.clear();
    else world.engine.notes.set("a", note);
    await world.run(2 * TTL_MS);
    assert.ok(isWhole(world));
    const taken = b.changes.flatMap(({ start }) => start).filter(({ from }) => from === "a");
    assert.ok(taken.length > 0);
    for (const { fromTs, last } of taken) {
      assert.deepEqual(last, []);
      assert.ok(fromTs !== null && fromTs > 5);
    }
  }
});

Deno.test("an engine that refuses notes moves no share, and the member says so", async () => {
  const { world, members } = await settled(["a", "b"]);
  const changes = () => members.map(({ changes }) => changes.length);
  const before = changes();
  world.engine.refusesNotes = true;
  await world.run(3 * TTL_MS, neverUncovered(world));
  assert.deepEqual(changes(), before);
  for (const { member, seen } of members) {
    assert.equal(member?.status.away, null);
    assert.ok(seen.some(({ kind }) => kind === "group_note_failed"));
  }
});

Deno.test("a collector with the name of one that is gone knows what that one had last", async () => {
  const { world, members: [a] } = await settled(["a"]);
  a.last = [{ exchange: "one", channel: "trades", symbol: "A", id: "7", ts: 5 }];
  await world.run(TTL_MS);
  a.kill();
  await world.run(2 * TTL_MS);
  const next = world.join("a", { journal: "a new one" });
  await world.run(2 * TTL_MS);
  assert.ok(isWhole(world));
  for (const { last } of next.changes[0].start) assert.deepEqual(last, a.last);
});

Deno.test("with two replicas a kill leaves no share without data and tells no hole", async () => {
  const { world, members: [a, b, c] } = await settled(["a", "b", "c"], { replicas: 2 });
  a.kill();
  await world.run(3 * TTL_MS, neverUncovered(world));
  assert.ok(isWhole(world));
  for (const { changes } of [b, c]) {
    for (const { start } of changes.slice(1)) for (const { fromTs } of start) assert.equal(fromTs, null);
  }
});

Deno.test("shares move to a newcomer without a moment that nobody collects them", async () => {
  const { world, members: [a] } = await settled(["a", "b"]);
  const c = world.join("c");
  await world.run(2 * TTL_MS, neverUncovered(world));
  assert.ok(isWhole(world) && c.liveFrom.size > 0);
  const told = a.seen.filter(({ kind }) => kind === "group_share");
  assert.ok(told.some((seen) => seen.kind === "group_share" && seen.change === "released" && seen.other === "c"));
  for (const { start } of c.changes) for (const { fromTs } of start) assert.equal(fromTs, null);
});

Deno.test("a member that leaves collects until others do, and says who they are", async () => {
  const { world, members: [a, b] } = await settled(["a", "b"]);
  const held = [...a.liveFrom.keys()].sort((x, y) => x - y);
  let handed: readonly { share: number; to: string }[] | null = null;
  void a.member?.leave(new AbortController().signal).then(({ stops }) => handed = stops);
  await world.run(TTL_MS, neverUncovered(world));
  assert.deepEqual(handed, held.map((share) => ({ share, to: "b" })));
  a.liveFrom.clear();
  void a.member?.end(handed ?? []);
  await world.run(2 * TTL_MS);
  assert.ok(isWhole(world));
  assert.deepEqual(b.member?.status.members.map(({ name, state }) => [name, state]), [["a", "left"], ["b", "active"]]);
});

Deno.test("a member that leaves alone, or whose time is over, waits for nobody; its next owner knows when it stopped", async () => {
  const { world, members: [a] } = await settled(["a"]);
  let handed: unknown = null;
  void a.member?.leave(new AbortController().signal).then(({ stops }) => handed = stops);
  await world.run(500);
  assert.deepEqual(handed, []);
  const stoppedTs = world.clock.nowMicros();
  a.liveFrom.clear();
  void a.member?.end();
  await world.run(200);
  world.leave(a);
  await world.run(20 * TTL_MS);
  const b = world.join("b");
  await world.run(1000);
  assert.ok(isWhole(world));
  for (const { from, fromTs } of b.changes[0].start) {
    assert.equal(from, "a");
    assert.ok(fromTs !== null && Math.abs(fromTs - stoppedTs) <= 500_000);
  }
});

Deno.test("losing the engine stops nobody, and nothing moves when it is back", async () => {
  const { world, members } = await settled(["a", "b", "c"]);
  const changes = () => members.map(({ changes }) => changes.length);
  const before = changes();
  world.engine.isAway = true;
  await world.run(20 * TTL_MS, neverUncovered(world));
  assert.ok(members.every(({ member }) => member?.status.away !== null));
  world.engine.isAway = false;
  await world.run(3 * TTL_MS, neverUncovered(world));
  assert.deepEqual(changes(), before);
  assert.ok(members.every(({ member }) => member?.status.away === null));
});

Deno.test("an engine that comes back empty finds the members as they are", async () => {
  const { world, members } = await settled(["a", "b", "c"]);
  const before = members.map(({ changes }) => changes.length);
  world.engine.entries.clear();
  await world.run(3 * TTL_MS, neverUncovered(world));
  assert.ok(isWhole(world));
  // Whoever looks first sees nobody else: it starts more than it has to, and gives it back.
  assert.ok(members.every(({ changes }, at) => changes.length >= before[at]));
});

Deno.test("a member that is cut off from the engine collects on, others start its shares, and one of them stays in the end", async () => {
  const { world, members: [a, b, c] } = await settled(["a", "b", "c"]);
  a.isCut = true;
  await world.run(3 * TTL_MS, neverUncovered(world));
  assert.ok([...a.liveFrom.keys()].every((share) => b.liveFrom.has(share) || c.liveFrom.has(share)));
  a.isCut = false;
  await world.run(4 * TTL_MS, neverUncovered(world));
  assert.ok(isWhole(world));
});

Deno.test("a member that stood still takes its shares back, and the others let go only when its data has come for a ttl", async () => {
  const { world, members: [a, b, c] } = await settled(["a", "b", "c"]);
  const own = [...a.liveFrom.keys()];
  world.paused.add(a);
  await world.run(3 * TTL_MS);
  assert.ok(isWhole(world), "others have taken over");
  // Its sockets died meanwhile, and it takes a moment until it notices: nothing may rely on its word at once.
  for (const share of own) a.liveFrom.set(share, world.clock.monotonicMs() + TTL_MS / 2);
  world.paused.delete(a);
  let sawStop = false;
  const wokeMs = world.clock.monotonicMs();
  await world.run(5 * TTL_MS, () => {
    neverUncovered(world)();
    const isReleased = [b, c].some(({ seen }) =>
      seen.some((one) => one.kind === "group_share" && one.change === "released" && one.other === "a")
    );
    if (isReleased && !sawStop) {
      sawStop = true;
      assert.ok(world.clock.monotonicMs() - wokeMs >= TTL_MS);
    }
  });
  assert.ok(isWhole(world) && sawStop);
});

Deno.test("a collector with the name of another joins nothing and says so, until the other is gone", async () => {
  const { world, members: [a] } = await settled(["a"]);
  const twin = world.join("a", { journal: "another journal" });
  await world.run(3 * TTL_MS, neverUncovered(world));
  assert.equal(twin.liveFrom.size, 0);
  assert.ok(twin.member?.status.nameTakenSince !== null);
  const killedTs = world.clock.nowMicros();
  a.kill();
  await world.run(2 * TTL_MS);
  assert.ok(isWhole(world));
  const [{ start }] = twin.changes;
  assert.ok(start.every(({ from, fromTs }) => from === "a" && fromTs !== null && fromTs <= killedTs));
});

Deno.test("a collector that is started again at once goes on with its shares, and its own journal tells the hole", async () => {
  const { world, members: [a] } = await settled(["a", "b"]);
  const held = [...a.liveFrom.keys()].sort();
  a.kill();
  const again = world.join("a");
  await world.run(TTL_MS);
  assert.deepEqual([...again.liveFrom.keys()].sort(), held);
  for (const { fromTs } of again.changes[0].start) assert.equal(fromTs, null);
});

Deno.test("a collector that begins while the engine is away collects what it did before, and a new one nothing", async () => {
  const { world, members: [a] } = await settled(["a", "b"]);
  const held = [...a.liveFrom.keys()].sort();
  world.engine.isAway = true;
  a.kill();
  const [again, fresh] = [world.join("a", { files: a.files }), world.join("c")];
  await world.run(2 * TTL_MS);
  assert.deepEqual([...again.liveFrom.keys()].sort(), held);
  assert.equal(fresh.liveFrom.size, 0);
  assert.equal(fresh.member?.status.uncovered, null);
  world.engine.isAway = false;
  await world.run(4 * TTL_MS, neverUncovered(world));
  assert.ok(isWhole(world));
});

Deno.test("members of another layout are a group of their own", async () => {
  const { world } = await settled(["a"]);
  const other = new GroupWorld({ shares: 3 });
  Object.assign(other, { engine: world.engine });
  other.clock.advance(world.clock.monotonicMs() - other.clock.monotonicMs());
  const b = other.join("b");
  for (let step = 0; step < 40; step++) {
    await world.run(50);
    await other.run(50);
  }
  assert.equal(b.liveFrom.size, 3);
  assert.ok(isWhole(world));
  assert.deepEqual(b.member?.status.members.map(({ state }) => state), ["other_layout", "active"]);
});

for (const replicas of [1, 2] as const) {
  Deno.test(`a group of ${replicas} replicas comes to rest after any faults, and loses data only to kills and standstills`, async () => {
    const seed = Number(Deno.env.get("SEED") ?? replicas);
    const random = seeded(seed);
    const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)];
    try {
      const world = new GroupWorld({ shares: 6, replicas });
      let members: WorldMember[] = ["a", "b", "c"].map((name) => world.join(name));
      await world.run(3 * TTL_MS);
      for (let round = 0; round < 8; round++) {
        const fault = pick(["kill", "pause", "cut", "engine", "join"]);
        const victim = pick(members);
        const isHarmless = fault === "cut" || fault === "engine" || fault === "join";
        const look = isHarmless || replicas === 2 ? neverUncovered(world) : () => {};
        if (fault === "kill") {
          victim.kill();
          members = members.filter((member) => member !== victim);
          await world.run(pick([200, 4 * TTL_MS]), look);
          members.push(world.join(victim.name, { files: victim.files, journal: victim.journal }));
        }
        if (fault === "pause") world.paused.add(victim);
        if (fault === "cut") victim.isCut = true;
        if (fault === "engine") world.engine.isAway = true;
        if (fault === "join" && members.length < 5) members.push(world.join(`m${round}`));
        await world.run(pick([300, TTL_MS, 4 * TTL_MS]), look);
        world.paused.clear();
        victim.isCut = false;
        world.engine.isAway = false;
        await world.run(5 * TTL_MS, look);
        assert.ok(isWhole(world), `round ${round}, ${fault}: ${world.coverage()}`);
      }
    } catch (cause) {
      throw new Error(`seed ${seed}`, { cause });
    }
  });
}
