import assert from "node:assert/strict";
import { denoHost, type Files, type Host } from "../../src/host/mod.ts";
import { type Envelope, Failure } from "../../src/model/mod.ts";
import { envelope, trade } from "../support/envelopes.ts";
import { FaultyFiles } from "../support/faulty_files.ts";
import { makeSink } from "../support/made_sink.ts";
import { expectedOf, filesBelow, type SinkUnderTest, sorted } from "./conformance.ts";

const OTHER_JOURNAL = "22222222-2222-4222-8222-222222222222";

/** Runs the tests that every sink has to pass that writes into a folder of its own. */
export function testFolderSink(sut: SinkUnderTest): void {
  const test = (claim: string, body: (dir: string, host: Host) => Promise<void>) =>
    Deno.test(`${sut.type} sink ${claim}`, async () => {
      const host = denoHost();
      const dir = await host.files.makeTempDir("sink");
      try {
        await body(`${dir}/out`, host);
      } finally {
        await host.files.removeTree(dir);
      }
    });
  const holds = async (dir: string, host: Host, events: readonly Envelope[]) =>
    assert.deepEqual(sorted(await sut.read(dir, host)), sorted(expectedOf(sut, events)));
  const events = [1, 2, 3, 4].map((offset) => envelope(offset, trade(`${offset}.5`)));
  const writeAll = async (dir: string, host: Host) => {
    const sink = makeSink(sut.plan(dir), host);
    await sink.open(0);
    await sink.write(events);
    await sink.flush();
    await sink.close();
  };

  test("is refused a folder that another journal's sink has written, and changes nothing there", async (dir, host) => {
    await writeAll(dir, host);
    const before = await contents(dir, host);
    for (const committed of [0, 2, 5]) {
      const other = makeSink(sut.plan(dir), host, { journal: OTHER_JOURNAL });
      await assert.rejects(
        other.open(committed),
        (error) =>
          error instanceof Failure && !error.retry && error.message.includes("belongs to") &&
          error.message.includes("_owner.json"),
      );
      await other.close();
    }
    assert.deepEqual(await contents(dir, host), before);
  });

  test("goes on beside what another journal's sink has written once its mark was removed", async (dir, host) => {
    await writeAll(dir, host);
    await host.files.remove(`${dir}/_owner.json`);
    const other = makeSink(sut.plan(dir), host, { journal: OTHER_JOURNAL, end: () => 0 });
    await other.open(0);
    const next = envelope(1_000, trade("9.5"));
    await other.write([next]);
    await other.flush();
    await other.close();
    assert.ok(other.seen.length > 0, "it is told");
    await holds(dir, host, [...events, next]);
  });

  test("is refused a folder that another configured sink has written", async (dir, host) => {
    await writeAll(dir, host);
    const plan = sut.plan(dir);
    const other = makeSink({ ...plan, name: "second" }, host, { sinks: [plan.name, "second"] });
    await assert.rejects(other.open(0), { name: "Failure", retry: false });
    await other.close();
    await holds(dir, host, events);
  });

  test("is refused a folder that another sink is writing to, by any spelling", async (dir, host) => {
    const plan = sut.plan(dir);
    const first = makeSink(plan, host);
    await first.open(0);
    await host.files.makeDir(`${dir}-x`);
    for (const spelling of [dir, `${dir}/`, `${dir}/../${dir.slice(dir.lastIndexOf("/") + 1)}`, `${dir}-x/../out`]) {
      const other = makeSink({ ...sut.plan(spelling), name: "second" }, host, { sinks: [plan.name, "second"] });
      await assert.rejects(other.open(0), { name: "Failure", code: "busy", retry: false });
      await other.close();
    }
    await first.write(events);
    await first.flush();
    await first.close();
    await holds(dir, host, events);
  });

  test("that was renamed goes on in its folder where it stands and writes nothing twice", async (dir, host) => {
    const sink = makeSink(sut.plan(dir), host);
    await sink.open(0);
    await sink.write(events.slice(0, 2));
    await sink.flush();
    await sink.write(events.slice(2));
    await sink.flush();
    await sink.close();
    const renamed = makeSink({ ...sut.plan(dir), name: "renamed" }, host);
    const stand = await renamed.open(0);
    await renamed.write(events.filter(({ offset }) => offset >= stand));
    await renamed.flush();
    await renamed.close();
    assert.equal(stand, 3, "what the latest flush but one made safe is safe");
    assert.equal(renamed.seen.length, 1);
    await holds(dir, host, events);
  });

  test("writes nothing twice although its cursor was lost", async (dir, host) => {
    for (const event of events) {
      const sink = makeSink(sut.plan(dir), host);
      const stand = await sink.open(event.offset);
      assert.equal(stand, event.offset);
      await sink.write([event]);
      await sink.flush();
      await sink.close();
    }
    const sink = makeSink(sut.plan(dir), host);
    const stand = await sink.open(0);
    await sink.write(events.filter(({ offset }) => offset >= stand));
    await sink.flush();
    await sink.close();
    await holds(dir, host, events);
  });

  test("is refused a folder of another type", async (dir, host) => {
    await writeAll(dir, host);
    const owner = JSON.parse(await host.files.readText(`${dir}/_owner.json`) ?? "");
    await host.files.writeAtomic(
      `${dir}/_owner.json`,
      new TextEncoder().encode(JSON.stringify({ ...owner, type: "elsewise" })),
    );
    await assert.rejects(makeSink(sut.plan(dir), host).open(0), { name: "Failure", retry: false });
  });

  test("says what to do about a damaged mark, and deletes nothing", async (dir, host) => {
    await writeAll(dir, host);
    for (const text of ["", "{}", "null", "[1]", '{"journal":1,"sink":2,"type":3}']) {
      await host.files.writeAtomic(`${dir}/_owner.json`, new TextEncoder().encode(text));
      await assert.rejects(makeSink(sut.plan(dir), host).open(0), { name: "Failure", code: "corrupt", retry: false });
    }
    await holds(dir, host, events);
  });

  test(
    "notices that its folder was removed, and holds everything again after it was opened anew",
    async (dir, host) => {
      const sink = makeSink(sut.plan(dir), host);
      await sink.open(0);
      await sink.write(events);
      await host.files.removeTree(dir);
      await assert.rejects(sink.flush(), { name: "Failure", retry: true });
      await sink.close();
      assert.equal(await sink.open(0), 0);
      await sink.write(events);
      await sink.flush();
      await sink.close();
      await holds(dir, host, events);
    },
  );

  test("notices that its folder was moved away and another stands there", async (dir, host) => {
    const sink = makeSink(sut.plan(dir), host);
    await sink.open(0);
    await sink.write(events.slice(0, 2));
    await sink.flush();
    await host.files.rename(dir, `${dir}-away`);
    await host.files.makeDir(dir);
    await sink.write(events.slice(2));
    await assert.rejects(sink.flush(), { name: "Failure", retry: true });
    await sink.close();
    await sink.open(3);
    await sink.write(events.slice(2));
    await sink.flush();
    await sink.close();
    await holds(dir, host, events.slice(2));
    await holds(`${dir}-away`, host, events.slice(0, 2));
  });

  test("changes nothing after its signal was aborted", async (dir, host) => {
    const faulty = new FaultyFiles(host.files);
    const sink = makeSink(sut.plan(dir), { ...host, files: faulty });
    await sink.open(0);
    await sink.write(events);
    const before = faulty.operations;
    sink.abort();
    await assert.rejects(sink.flush());
    assert.equal(faulty.operations, before);
    await sink.close();
  });

  test("keeps its folder while a call of it that was given up has not ended", async (dir, host) => {
    const held = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    let hangs = false;
    const hold = async () => {
      if (!hangs) return;
      asked.resolve();
      await held.promise;
    };
    const files: Files = {
      ...host.files,
      writeAtomic: async (path, bytes) => {
        await hold();
        await host.files.writeAtomic(path, bytes);
      },
    };
    const sink = makeSink(sut.plan(dir), { ...host, files });
    await sink.open(0);
    await sink.write(events);
    hangs = true;
    const flushing = sink.flush();
    await asked.promise;
    sink.abort();
    const closing = sink.close();
    const next = makeSink(sut.plan(dir), host);
    await assert.rejects(next.open(0), { code: "busy", retry: true });
    held.resolve();
    await assert.rejects(flushing);
    await closing;
    assert.equal(await next.open(0), 0);
    await next.write(events);
    await next.flush();
    await next.close();
    await holds(dir, host, events);
  });
}

/** Paths and bytes of all files, but for the lock. */
async function contents(dir: string, host: Host): Promise<readonly string[]> {
  const own = (await host.files.list(dir) ?? []).filter(({ name }) => name.startsWith("_") && name !== "_lock");
  const paths = [...await filesBelow(dir, host), ...own.map(({ name }) => `${dir}/${name}`)];
  const found: string[] = [];
  for (const path of paths) found.push(`${path} ${(await host.files.readBytes(path))?.join()}`);
  return found;
}
