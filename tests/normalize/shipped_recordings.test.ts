import assert from "node:assert/strict";
import { matchAnswer, matchConnection, type NormalizedFrame } from "../../src/normalize/mod.ts";
import { FrameReader } from "../support/frame_reader.ts";
import { RECORDINGS } from "../exchanges/recordings.ts";
import { readRecording, testOnRecordings } from "../support/recordings.ts";
import { loadShipped, type ShippedFrames } from "../support/shipped_descriptor.ts";

/** Recordings of a current protocol version, and how many events of each kind and control frames they hold. */

/** What became of all frames of some recordings. */
class Account {
  frames = 0;
  matched = 0;
  control = 0;
  readonly unmatched: string[] = [];
  readonly faults: string[] = [];
  readonly counts: Record<string, number> = {};

  add(read: NormalizedFrame): void {
    this.frames++;
    const told = read.faults.filter(({ code }) => code !== "empty_quote");
    // A market without orders is no fault of the descriptor.
    if (told.length < read.faults.length) this.#count("empty quote");
    const faults = told.map(({ code, where, example }) => `${code} ${where}: ${example}`);
    if (read.signal !== null) {
      this.control++;
      this.#count(`control ${read.rule}`);
    } else if (read.rule !== null) this.matched++;
    else if (told[0]?.code === "unmatched") this.unmatched.push(...faults);
    if (told.length > 0 && told[0].code !== "unmatched") this.faults.push(...faults);
    for (const { event } of read.events) this.#count(event.kind);
  }

  #count(name: string): void {
    this.counts[name] = (this.counts[name] ?? 0) + 1;
  }
}

/** Reads the recordings as one; null where they are absent. */
function readAll({ frames, requests }: ShippedFrames, files: readonly string[]): Account | null {
  const normalizer = new FrameReader(frames);
  const account = new Account();
  for (const file of files) {
    const lines = readRecording(file);
    if (lines === null) return null;
    let connectionId = "";
    let session = 0;
    for (const { t, dir, url, payload, binary } of lines) {
      if (dir === "open") {
        session++;
        const matched = matchConnection(frames, url ?? "");
        assert.ok(matched !== null, `No connection for ${url}`);
        connectionId = matched;
      } else if (dir === "in") {
        account.add(normalizer.read({ session, connectionId, payload, binary, receivedTs: t }));
      } else if (dir === "http" && url !== null) {
        const request = requests.find(({ match }) => matchAnswer(match, url) !== null);
        if (request === undefined) continue;
        const native = matchAnswer(request.match, url) ?? "";
        account.add(normalizer.readHttp({ session, request: request.name, native, body: payload, receivedTs: t }));
      }
    }
  }
  return account;
}

for (const { exchange, files, counts } of RECORDINGS) {
  testOnRecordings(files, `the shipped descriptor of ${exchange} accounts for every frame of ${files[0]}`, () => {
    const account = readAll(loadShipped(exchange), files);
    assert.ok(account !== null);
    assert.deepEqual(account.faults.slice(0, 5), []);
    assert.deepEqual(account.unmatched.slice(0, 5), []);
    assert.equal(account.matched + account.control, account.frames);
    assert.deepEqual(account.counts, counts);
  });
}
