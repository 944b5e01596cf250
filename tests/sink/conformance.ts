import assert from "node:assert/strict";
import fc from "fast-check";
import { denoHost, type Host } from "../../src/host/mod.ts";
import { type Envelope, Failure, type SinkPlan } from "../../src/model/mod.ts";
import { makeSink } from "../support/made_sink.ts";
import type { SinkContext } from "../../src/sink/mod.ts";
import { anyEnvelopes, DAY_START, envelope, trade } from "../support/envelopes.ts";
import { type Fault, FaultyFiles } from "../support/faulty_files.ts";

/** What a destination holds: group (a file, or all) → its rows in order, each as comparable text. */
export type Held = ReadonlyMap<string, readonly string[]>;

/** A sink under test with an independent reader of what it wrote. */
export interface SinkUnderTest {
  readonly type: string;
  plan(dir: string): SinkPlan;
  /** What else the sink is made with. */
  readonly context?: Partial<SinkContext>;
  /** Rounds of the property that writes all kinds; 30 where it is not given. */
  readonly runs?: number;
  /** Wraps the host, for sinks that write elsewhere than to files. */
  host?(host: Host): Host;
  read(dir: string, host: Host): Promise<Held>;
  /** The group of an event and the rows that stand for it. */
  expected(envelope: Envelope): { readonly group: string; readonly rows: readonly string[] };
  /** Whether what was not committed can be taken back. */
  readonly exactlyOnce: boolean;
}

/** Runs the tests that every sink has to pass. */
export function testSink(sut: SinkUnderTest): void {
  const test = (claim: string, body: (dir: string, host: Host) => Promise<void>) =>
    Deno.test(`${sut.type} sink ${claim}`, async () => {
      const host = denoHost();
      const dir = await host.files.makeTempDir("sink");
      try {
        await body(`${dir}/out`, sut.host?.(host) ?? host);
      } finally {
        await host.files.removeTree(dir);
      }
    });

  const holds = async (dir: string, host: Host, events: readonly Envelope[]) =>
    assert.deepEqual(sorted(await sut.read(dir, host)), sorted(expectedOf(sut, events)));

  test("keeps every event of every kind in order", async (dir, host) => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(anyEnvelopes, fc.integer({ min: 1, max: 9 }), async (events, size) => {
        const runDir = `${dir}-${run++}`;
        const runHost = sut.host?.(host) ?? host;
        const sink = makeSink(sut.plan(runDir), runHost, sut.context);
        await sink.open(1000);
        for (const [at, batch] of wholeRecords(events, size).entries()) {
          await sink.write(batch);
          if (at % 3 === 2) await sink.flush();
        }
        await sink.flush();
        await sink.close();
        await holds(runDir, runHost, events);
      }),
      { numRuns: sut.runs ?? 30, endOnFailure: sut.runs !== undefined },
    );
  });

  test("takes empty batches, flushes of nothing and closing twice", async (dir, host) => {
    const sink = makeSink(sut.plan(dir), host, sut.context);
    await sink.open(0);
    await sink.write([]);
    assert.equal(sink.wantsFlush, false);
    await sink.flush();
    await sink.flush();
    await sink.close();
    await sink.close();
    await holds(dir, host, []);
  });

  test("keeps a book of ten thousand levels", async (dir, host) => {
    const levels = Array.from({ length: 10_000 }, (_, at) => [`${at + 1}.50`, `0.${at + 1}`] as const);
    const event = envelope(5, {
      kind: "book_snapshot",
      bids: levels,
      asks: levels.slice(1),
      sequence: "9007199254740993",
    });
    const sink = makeSink(sut.plan(dir), host, sut.context);
    await sink.open(0);
    await sink.write([event]);
    await sink.flush();
    await sink.close();
    await holds(dir, host, [event]);
  });

  if (!sut.exactlyOnce) return;

  test("keeps finished files untouched over a restart", async (dir, host) => {
    const first = makeSink(sut.plan(dir), host);
    await first.open(0);
    await first.write([envelope(1, trade("1.5")), envelope(2, trade("2.5"))]);
    await first.flush();
    await first.close();
    const before = await snapshot(dir, host);
    const second = makeSink(sut.plan(dir), host);
    await second.open(3);
    await second.close();
    assert.deepEqual(await snapshot(dir, host), before);
    const third = makeSink(sut.plan(dir), host);
    await third.open(3);
    const next = envelope(3, trade("3.5"), { received_ts: DAY_START + 86_400_000_000 });
    await third.write([next]);
    await third.flush();
    await third.close();
    for (const [path, bytes] of before) assert.equal((await snapshot(dir, host)).get(path), bytes);
    await holds(dir, host, [envelope(1, trade("1.5")), envelope(2, trade("2.5")), next]);
  });

  test(
    "reports a full disk at any operation and writes everything once when there is room again",
    async (dir, host) => {
      const events = [1, 2, 3, 4].map((offset) => envelope(offset, trade(`${offset}.25`)));
      for (let at = 1; at <= 12; at++) {
        const files = new FaultyFiles(host.files);
        const sink = makeSink(sut.plan(`${dir}-${at}`), { ...host, files });
        await sink.open(0);
        files.fault = { at: files.operations + at, kind: "short", code: "disk_full" };
        const writeAll = async () => {
          await sink.write(events);
          await sink.flush();
        };
        const expectedFailure = files.operations + at;
        try {
          await writeAll();
          assert.ok(files.operations < expectedFailure, "a full disk went unnoticed");
        } catch (error) {
          assert.ok(error instanceof Failure && error.code === "disk_full", String(error));
          await sink.close();
          await sink.open(0);
          await writeAll();
        }
        await sink.close();
        await files.discard();
        await holds(`${dir}-${at}`, host, events);
      }
    },
  );

  test("holds every event once after the process ended or the power was cut anywhere", async (dir, host) => {
    let run = 0;
    const crash = fc.record({
      at: fc.integer({ min: 1, max: 30 }),
      kind: fc.constantFrom("before" as const, "half" as const, "after" as const),
      powerCut: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        anyEnvelopes,
        fc.array(crash, { maxLength: 4 }),
        fc.record({
          size: fc.integer({ min: 1, max: 9 }),
          random: fc.double({ min: 0, max: 0.999, noNaN: true }),
          lostCommits: fc.array(fc.boolean(), { maxLength: 12 }),
        }),
        async (events, crashes, rest) => {
          const runDir = `${dir}-${run++}`;
          await deliver({ sut, dir: runDir, host, events, crashes, ...rest });
          await holds(runDir, host, events);
        },
      ),
      { numRuns: 30 },
    );
  });
}

/**
 * Delivers as the collector does: write, flush, commit the next offset; after an end of the process a new sink at the
 * committed one. `lostCommits` says which flushes end the process before their commit.
 */
async function deliver(
  options: {
    readonly sut: SinkUnderTest;
    readonly dir: string;
    readonly host: Host;
    readonly events: readonly Envelope[];
    readonly crashes: readonly (Fault & { readonly powerCut: boolean })[];
    readonly size: number;
    readonly random: number;
    readonly lostCommits: readonly boolean[];
  },
): Promise<void> {
  const { sut, dir, host, events, size, random } = options;
  const crashes = [...options.crashes];
  const lostCommits = [...options.lostCommits];
  let committed = 1000;
  for (;;) {
    const crash = crashes.shift();
    const files = new FaultyFiles(host.files, crash ?? null);
    const sink = makeSink(sut.plan(dir), { ...host, files });
    try {
      await sink.open(committed);
      for (const batch of wholeRecords(events.filter(({ offset }) => offset >= committed), size)) {
        await sink.write(batch);
        const last = batch[batch.length - 1].offset;
        if (last % 2 === 0) continue;
        await sink.flush();
        if (lostCommits.shift() === true) throw new Failure("file", "Cannot commit: injected");
        committed = last + 1;
      }
      await sink.flush();
      await sink.close();
      await files.discard();
      return;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      await files.end();
      if (crash?.powerCut === true) await files.powerCut(() => random);
      await files.discard();
    }
  }
}

function wholeRecords(events: readonly Envelope[], size: number): readonly (readonly Envelope[])[] {
  const result: Envelope[][] = [];
  let batch: Envelope[] = [];
  for (const event of events) {
    if (batch.length >= size && batch.at(-1)?.offset !== event.offset) {
      result.push(batch);
      batch = [];
    }
    batch.push(event);
  }
  if (batch.length > 0) result.push(batch);
  return result;
}

export function expectedOf(sut: SinkUnderTest, events: readonly Envelope[]): Held {
  const held = new Map<string, string[]>();
  for (const event of events) {
    const { group, rows } = sut.expected(event);
    const list = held.get(group) ?? [];
    list.push(...rows);
    held.set(group, list);
  }
  return held;
}

export function sorted(held: Held): readonly (readonly [string, readonly string[]])[] {
  return [...held].sort(([a], [b]) => a < b ? -1 : 1);
}

/** Every market data file and its content, as hexadecimal text. */
async function snapshot(dir: string, host: Host): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (const path of await filesBelow(dir, host)) {
    const bytes = await host.files.readBytes(path);
    if (bytes !== null && !path.endsWith(".json")) found.set(path, bytes.toHex());
  }
  return found;
}

/** Paths of all files below a folder, sorted, but for those that a sink keeps for itself. */
export async function filesBelow(dir: string, host: Host): Promise<readonly string[]> {
  const paths: string[] = [];
  for (const { name, isDirectory } of await host.files.list(dir) ?? []) {
    if (isDirectory) paths.push(...await filesBelow(`${dir}/${name}`, host));
    else if (!name.startsWith("_")) paths.push(`${dir}/${name}`);
  }
  return paths.sort();
}
