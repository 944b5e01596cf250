import type { Secrets } from "../model/mod.ts";
import { type FoundFile, readDescriptorFile, readSymbolMap } from "./descriptor_file.ts";
import { type LoadedConfig, type LoadOptions, loadWith } from "./load.ts";
import { buildExchange, buildFrames, type ReplayFrames } from "./plan/mod.ts";
import { loadEnvironment } from "./environment.ts";
import { findCommonIssues, orderIssues } from "./shape.ts";
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
    /** Where values of the environment are registered, so that nothing shows them. */
    readonly secrets?: Secrets;
    readonly exchange?: string;
  },
): LoadedDescriptor {
  const environment = loadEnvironment(options.environment, options.secrets);
  const descriptor = readDescriptorFile(options.file, null, options.environment("HOME"));
  const { name, version } = descriptor;
  const built = descriptor.variants.map((values) => {
    const map = readSymbolMap({
      descriptor: values,
      descriptorPath: options.file.path,
      locate: descriptor.locate,
      readText: options.readText,
      exchange: null,
    });
    const frames = buildFrames({
      descriptor: values,
      locateDescriptor: descriptor.locate,
      symbolMap: map.map,
      environment: (name) => environment.get(name),
      exchange: options.exchange ?? values.meta.name,
    });
    return { ...frames, issues: [...map.issues, ...frames.issues] };
  });
  const common = findCommonIssues(built, ({ issues }) => issues);
  const issues = environment.hideIn(orderIssues([...descriptor.issues, ...common]));
  const isBroken = issues.some((issue) => issue.severity === "error");
  return {
    name,
    version,
    hash: textHash(options.file.text),
    frames: isBroken ? null : built[0]?.frames ?? null,
    requests: built[0]?.requests ?? [],
    issues,
  };
}
