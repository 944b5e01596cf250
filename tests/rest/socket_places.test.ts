import assert from "node:assert/strict";
import { SocketPlaces } from "../../src/rest/socket_places.ts";

const never = new AbortController().signal;
const settled = async () => {
  for (let turn = 0; turn < 5; turn++) await Promise.resolve();
};

Deno.test("SocketPlaces.take() lets as many sockets be open as the host allows, and the next ones in order", async () => {
  const places = new SocketPlaces();
  const entered: string[] = [];
  const take = async (name: string, key = "one", most: number | null = 2) => {
    const free = await places.take(key, most, never);
    entered.push(name);
    return free;
  };
  const [a, b] = await Promise.all([take("a"), take("b")]);
  void take("c");
  void take("d");
  await take("other", "two");
  await settled();
  assert.deepEqual(entered, ["a", "b", "other"]);
  a();
  a();
  await settled();
  assert.deepEqual(entered, ["a", "b", "other", "c"], "one place is free once");
  b();
  await settled();
  assert.deepEqual(entered.at(-1), "d");
});

Deno.test("SocketPlaces.take() counts sockets of those who know no limit, and holds none of them back", async () => {
  const places = new SocketPlaces();
  const free = await places.take("one", null, never);
  await places.take("one", null, never);
  let isOpen = false;
  void places.take("one", 2, never).then(() => isOpen = true);
  await settled();
  assert.equal(isOpen, false);
  free();
  await settled();
  assert.equal(isOpen, true);
});

Deno.test("SocketPlaces.take() counts nothing for who gives up, and lets those behind pass", async () => {
  const places = new SocketPlaces();
  const first = await places.take("one", 1, never);
  const abort = new AbortController();
  const given = places.take("one", 1, abort.signal);
  let isOpen = false;
  void places.take("one", 2, never).then(() => isOpen = true);
  await settled();
  assert.equal(isOpen, false, "the one in front waits");
  abort.abort();
  (await given)();
  await settled();
  assert.equal(isOpen, true);
  assert.equal(await Promise.race([places.take("one", 2, abort.signal).then(() => "at once"), settled()]), "at once");
  first();
});
