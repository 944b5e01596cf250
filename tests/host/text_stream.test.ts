import assert from "node:assert/strict";
import { TextStream } from "../../src/host/text_stream.ts";
import { Failure, STREAM_QUEUE_BYTES_MAX } from "../../src/model/mod.ts";

/** A stream that takes nothing until it is let, and then a few bytes at a time. */
class HeldStream {
  text = "";
  error: Error | null = null;
  #held: PromiseWithResolvers<void> | null = null;

  hold(): void {
    this.#held = Promise.withResolvers<void>();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = null;
  }

  writeSync(bytes: Uint8Array): number {
    this.text += new TextDecoder().decode(bytes);
    return bytes.length;
  }

  async write(bytes: Uint8Array): Promise<number> {
    await this.#held?.promise;
    const { error } = this;
    if (error !== null) {
      if (error instanceof Deno.errors.WouldBlock) this.error = null;
      throw error;
    }
    const part = bytes.subarray(0, Math.max(3, bytes.length >> 1));
    this.text += new TextDecoder().decode(part);
    return part.length;
  }
}

Deno.test("TextStream writes what is printed in order, with what is written between", async () => {
  const held = new HeldStream();
  const stream = new TextStream(held, "x");
  stream.print("one");
  const written = stream.write(new TextEncoder().encode("two "));
  stream.print("three");
  await written;
  await stream.flush();
  assert.equal(held.text.replace("one\nthree\ntwo ", "one\ntwo three\n").length, "one\ntwo three\n".length);
  assert.ok(held.text.startsWith("one\n"));
});

Deno.test("TextStream never waits for a reader that stalls: what is too much is left out and counted", async () => {
  const held = new HeldStream();
  const stream = new TextStream(held, "x");
  held.hold();
  const line = "x".repeat(1024 * 1024 - 1);
  for (let i = 0; i < 10; i++) stream.print(line);
  assert.equal(stream.dropped, 10 - STREAM_QUEUE_BYTES_MAX / (1024 * 1024));
  held.release();
  await stream.flush();
  assert.equal(held.text.length, STREAM_QUEUE_BYTES_MAX);
  stream.print("later");
  await stream.flush();
  assert.ok(held.text.endsWith("x\nlater\n"));
});

Deno.test("TextStream takes one line whatever its length", async () => {
  const held = new HeldStream();
  const stream = new TextStream(held, "x");
  stream.print("x".repeat(STREAM_QUEUE_BYTES_MAX + 1));
  await stream.flush();
  assert.deepEqual([held.text.length, stream.dropped], [STREAM_QUEUE_BYTES_MAX + 2, 0]);
});

Deno.test("TextStream.flushNow() writes what waits at once, and nothing where the reader stalls", async () => {
  const free = new HeldStream();
  const stream = new TextStream(free, "x");
  stream.print("last words");
  stream.flushNow(false);
  assert.equal(free.text, "last words\n");
  await stream.flush();
  assert.equal(free.text, "last words\n", "and once");
  const held = new HeldStream();
  held.hold();
  const stalled = new TextStream(held, "x");
  stalled.print("first");
  await Promise.resolve();
  await Promise.resolve();
  stalled.print("second");
  stalled.flushNow(false);
  assert.equal(held.text, "");
  held.release();
  await stalled.flush();
});

Deno.test("TextStream keeps text that the platform would not take at once", async () => {
  const held = new HeldStream();
  const stream = new TextStream(held, "x");
  held.error = new Deno.errors.WouldBlock("again");
  stream.print("kept");
  await stream.flush();
  assert.equal(held.text, "kept\n");
});

Deno.test("TextStream tells why text could not be written, and goes on", async () => {
  for (
    const [cause, code] of [
      [new Deno.errors.BrokenPipe("gone"), "gone"],
      [Object.assign(new Error("No space left on device"), { code: "ENOSPC" }), "disk_full"],
      [Object.assign(new Error("Input/output error"), { code: "EIO" }), "file"],
    ] as const
  ) {
    const held = new HeldStream();
    const stream = new TextStream(held, "standard output");
    held.error = cause;
    stream.print("lost");
    await stream.flush();
    assert.equal(stream.failure?.code, code);
    await assert.rejects(stream.write(new Uint8Array(1)), (error) => error instanceof Failure && error.code === code);
    held.error = null;
    stream.print("on");
    await stream.flush();
    assert.deepEqual([held.text, stream.dropped], ["on\n", 1]);
  }
});
