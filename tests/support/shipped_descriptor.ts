import assert from "node:assert/strict";
import { loadDescriptor } from "../../src/config/mod.ts";
import type { FramePlan, RestRequestPlan } from "../../src/model/mod.ts";

/** What a shipped descriptor gives for reading frames of its exchange. */
export interface ShippedFrames {
  readonly frames: FramePlan;
  readonly requests: readonly RestRequestPlan[];
}

/** Loads a shipped descriptor by its name; it must be without errors. */
export function loadShipped(name: string): ShippedFrames {
  const folder = new URL("../../config/", import.meta.url);
  const readText = (path: string): string | null => {
    try {
      return Deno.readTextFileSync(new URL(path, folder));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  };
  const path = `exchanges/${name}.toml`;
  const text = readText(path);
  assert.ok(text !== null, `${path} is shipped`);
  const loaded = loadDescriptor({ file: { path, text }, readText, environment: () => undefined });
  const errors = loaded.issues.filter(({ severity }) => severity === "error");
  assert.deepEqual(errors.map(({ line, message }) => `${path}:${line}: ${message}`), []);
  assert.ok(loaded.frames !== null);
  return { frames: loaded.frames, requests: loaded.requests };
}
