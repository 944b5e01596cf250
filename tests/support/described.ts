import assert from "node:assert/strict";
import { loadDescriptor } from "../../src/config/mod.ts";
import type { FramePlan } from "../../src/model/mod.ts";
import { type NormalizedFrame } from "../../src/normalize/mod.ts";
import { FrameReader } from "./frame_reader.ts";

/** A descriptor with one connection, `public`, in front of what a test is about. */
const HEAD = `
[meta]
name = "testing"
version = "1.4"
[[ws.connections]]
id = "public"
urls = ["wss://example.test/ws"]
`;

/** The frame plan of a descriptor's text behind the least that every descriptor has; it must be right. */
export function describedFrames(
  text: string,
  environment: (name: string) => string | undefined = () => undefined,
): FramePlan {
  const { frames, issues } = loadDescriptor({
    file: { path: "testing.toml", text: HEAD + text },
    readText: () => null,
    environment,
  });
  assert.deepEqual(issues, []);
  assert.ok(frames !== null);
  return frames;
}

/** What is wrong with a descriptor's text, as messages. */
export function describedIssues(
  text: string,
  environment: (name: string) => string | undefined = () => undefined,
): readonly string[] {
  return loadDescriptor({
    file: { path: "testing.toml", text: HEAD + text },
    readText: () => null,
    environment,
  }).issues.map(({ message }) => message);
}

/** Reads frames of a session one after the other; a result is the reader's own, to be looked at before the next one. */
export class DescribedReader {
  readonly normalizer: FrameReader;

  constructor(plan: FramePlan) {
    this.normalizer = new FrameReader(plan);
  }

  /** Reads one text frame. */
  read(text: string, session = 1): NormalizedFrame {
    return this.normalizer.read({
      session,
      connectionId: "public",
      payload: new TextEncoder().encode(text),
      binary: false,
      receivedTs: 0,
    });
  }

  /** The events of one text frame without what they belong to; there must be no fault. */
  events(text: string, session = 1): readonly unknown[] {
    const { events, faults } = this.read(text, session);
    assert.deepEqual(faults, []);
    return events.map(({ event }) => event);
  }
}
