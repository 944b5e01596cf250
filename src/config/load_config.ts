import type { Issue } from "../model/mod.ts";
import { type FoundFile, readDescriptorFile, readSymbolMap } from "./descriptor_file.ts";
import { type LoadedConfig, type LoadOptions, loadWith } from "./load.ts";
import { buildExchange, buildFrames, type ReplayFrames } from "./plan/mod.ts";
import { watchEnvironment } from "./redact.ts";
import { orderIssues, withoutConsequences } from "./shape.ts";
import { textHash } from "./text_hash.ts";

/**
 * Loads `collector.toml` and everything it names, and turns it into the plan that runs. All issues are given at once;
 * a broken instance breaks only itself. Never throws for any text.
 */
export function loadConfig(options: LoadOptions): LoadedConfig {
  return loadWith(buildExchange, options);
}

/** A descriptor on its own, for reading recordings: every symbol and channel is accepted. */
export interface LoadedDescriptor extends ReplayFrames {
  /** `meta.name`; null where the descriptor cannot be read. */
  readonly name: string | null;
  readonly version: string | null;
  readonly hash: string;
}

/** Loads a descriptor without an instance. `exchange` is the name that events carry; by default `meta.name`. */
export function loadDescriptor(
  options: {
    readonly file: FoundFile;
    readonly readText: (path: string) => string | null;
    readonly environment: (name: string) => string | undefined;
    readonly exchange?: string;
  },
): LoadedDescriptor {
  const environment = watchEnvironment(options.environment);
  const descriptor = readDescriptorFile(options.file, null);
  const about = {
    name: descriptor.values?.meta.name ?? null,
    version: descriptor.values?.meta.version ?? null,
    hash: textHash(options.file.text),
  };
  const finish = (issues: readonly Issue[]) => environment.redact(orderIssues(issues));
  if (descriptor.values === null) return { ...about, frames: null, requests: [], issues: finish(descriptor.issues) };
  const { locate, locateKey } = descriptor.source;
  const map = readSymbolMap({
    descriptor: descriptor.values,
    descriptorPath: options.file.path,
    locate,
    readText: options.readText,
    exchange: null,
  });
  const built = buildFrames({
    descriptor: descriptor.values,
    locateDescriptor: locate,
    symbolMap: map.map,
    environment: environment.get,
    exchange: options.exchange ?? descriptor.values.meta.name,
  });
  const consequent = withoutConsequences([...map.issues, ...built.issues], descriptor.dropped, [locate, locateKey]);
  const issues = finish([...descriptor.issues, ...consequent]);
  const isBroken = issues.some((issue) => issue.severity === "error");
  return { ...about, frames: isBroken ? null : built.frames, requests: built.requests, issues };
}
