import assert from "node:assert/strict";
import { Failure } from "../../src/model/mod.ts";
import { denoHost, type Host } from "../../src/host/mod.ts";
import { eventJson } from "../../src/sink/mod.ts";
import { envelope, trade } from "../support/envelopes.ts";
import { makeSink } from "../support/made_sink.ts";
import { testSink } from "./conformance.ts";

const PRINTED = Symbol("printed");

/** A host whose standard output is kept in memory. */
function printingHost(host: Host): Host & { readonly [PRINTED]: Uint8Array[] } {
  const printed: Uint8Array[] = [];
  const writeStdout = (bytes: Uint8Array) => {
    printed.push(bytes.slice());
    return Promise.resolve();
  };
  return { ...host, terminal: { ...host.terminal, writeStdout }, [PRINTED]: printed };
}

testSink({
  type: "stdout",
  exactlyOnce: false,
  plan: () => ({ type: "stdout", name: "out", kinds: null, options: {} }),
  host: printingHost,
  expected: (event) => ({ group: "out", rows: [eventJson(event)] }),
  read: (_dir, host) => {
    const chunks: readonly Uint8Array[] = PRINTED in host && Array.isArray(host[PRINTED]) ? host[PRINTED] : [];
    const text = new TextDecoder().decode(Uint8Array.from(chunks.flatMap((chunk) => [...chunk])));
    return Promise.resolve(new Map(text === "" ? [] : [["out", text.slice(0, -1).split("\n")]]));
  },
});

Deno.test("stdout sink waits until the reader has taken the lines", async () => {
  const host = denoHost();
  const taken = Promise.withResolvers<void>();
  const sink = makeSink({ type: "stdout", name: "out", kinds: null, options: {} }, {
    ...host,
    terminal: { ...host.terminal, writeStdout: () => taken.promise },
  });
  await sink.open(0);
  let isWritten = false;
  const write = sink.write([envelope(1, trade())]).then(() => isWritten = true);
  await Promise.resolve();
  assert.equal(isWritten, false);
  taken.resolve();
  await write;
  assert.equal(isWritten, true);
});

Deno.test("stdout sink fails without a retry when the reader has gone", async () => {
  const host = denoHost();
  const sink = makeSink({ type: "stdout", name: "out", kinds: null, options: {} }, {
    ...host,
    terminal: {
      ...host.terminal,
      writeStdout: () => Promise.reject(new Failure("gone", "Its reader has gone", { retry: false })),
    },
  });
  await sink.open(0);
  await assert.rejects(sink.write([envelope(1, trade())]), { name: "Failure", code: "gone", retry: false });
});
