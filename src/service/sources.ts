import {
  type FoundFile,
  loadConfig,
  loadDescriptor,
  type LoadedConfig,
  type LoadedDescriptor,
  suggest,
} from "../config/mod.ts";
import type { Host } from "../host/mod.ts";
import { type ExchangeList, Failure, type HeldShares, type Issue } from "../model/mod.ts";
import type { ServiceContext } from "./context.ts";
import { UsageError } from "./usage_error.ts";

/** The default configuration path. */
export const DEFAULT_CONFIG = "config/collector.toml";

/** Options of loading, beside the path. */
export interface LoadSettings {
  readonly validateOnly?: boolean;
  /** Variables that override those of the process. */
  readonly variables?: Readonly<Record<string, string>>;
  readonly instrumentMaps?: ReadonlyMap<string, ExchangeList>;
  /** The group's shares that are held. Absent: all streams are planned. */
  readonly heldShares?: HeldShares;
  /** The configuration's text if it was read already, because a pipe can be read only once. */
  readonly text?: string;
  /** Descriptors and maps as an earlier load read them; changes on disk wait for a reload. */
  readonly files?: ReadonlyMap<string, string | null>;
}

/** A configuration with the texts it was read from. */
export type ReadConfig = LoadedConfig & {
  /** Undefined if the file could not be read. */
  readonly text: string | undefined;
  /** The other files that were read, by path; null if there was none. */
  readonly files: ReadonlyMap<string, string | null>;
  /** Whether there is no such file. */
  readonly isMissing: boolean;
};

/** Loads a configuration with the files, shipped descriptors and environment of the process. */
export function loadFromFiles(context: ServiceContext, path: string, settings: LoadSettings = {}): ReadConfig {
  const { host } = context;
  let text = settings.text;
  let isMissing = false;
  const readConfig = () => {
    if (text !== undefined) return text;
    const read = host.files.readTextSync(path, { pipe: true });
    isMissing = read === null;
    text = read ?? undefined;
    return read;
  };
  const files = new Map(settings.files);
  const readOther = (file: string) => {
    const known = files.get(file);
    if (known !== undefined) return known;
    const read = host.files.readTextSync(file);
    files.set(file, read);
    return read;
  };
  const loaded = loadConfig({
    path,
    readText: (file) => file === path ? readConfig() : readOther(file),
    environment: (name) => settings.variables?.[name] ?? host.environment.get(name),
    secrets: host.secrets,
    builtin: (name) => shippedDescriptor(context, name, readOther),
    builtinNames: () => shippedNames(context),
    realPath: (folder) => realPathOf(host, folder),
    validateOnly: settings.validateOnly,
    instrumentMaps: settings.instrumentMaps,
    heldShares: settings.heldShares,
  });
  return { ...loaded, text, files, isMissing };
}

/** Returns the real path of a folder; the given path if it cannot be resolved, which its use then reports. */
function realPathOf({ files }: Pick<Host, "files">, folder: string): string {
  try {
    return files.realPathSync(folder);
  } catch (error) {
    if (error instanceof Failure) return folder;
    throw error;
  }
}

/** Finds a shipped descriptor by its name; null if there is none. */
export function shippedDescriptor(
  context: ServiceContext,
  name: string,
  readText: (path: string) => string | null = (path) => context.host.files.readTextSync(path),
): FoundFile | null {
  if (!/^[\w.-]+$/.test(name)) return null;
  const path = `${context.shippedDir}/exchanges/${name}.toml`;
  const text = readText(path);
  return text === null ? null : { path, text };
}

/** Returns the names of the shipped descriptors. */
export function shippedNames(context: ServiceContext): readonly string[] {
  const names = context.host.files.namesSync(`${context.shippedDir}/exchanges`);
  return names.filter((name) => name.endsWith(".toml")).map((name) => name.slice(0, -5)).sort();
}

/** Finds a descriptor by the name of a shipped one or by its path. Throws a `UsageError` if there is none. */
export function findDescriptor(context: ServiceContext, nameOrPath: string): FoundFile {
  const isPath = nameOrPath.includes("/") || nameOrPath.endsWith(".toml");
  const text = isPath ? context.host.files.readTextSync(nameOrPath) : null;
  const file = text === null ? shippedDescriptor(context, nameOrPath) : { path: nameOrPath, text };
  if (file !== null) return file;
  const near = suggest(nameOrPath, shippedNames(context));
  throw new UsageError(
    `No descriptor ${nameOrPath}: neither a file nor the name of a shipped one` +
      (near === null ? "" : `; did you mean ${near}?`),
  );
}

/**
 * Loads a descriptor by the name of a shipped one or by its path. Throws a `UsageError` if there is none; returns a
 * broken one with its issues.
 */
export function loadDescriptorNamed(context: ServiceContext, nameOrPath: string, exchange?: string): LoadedDescriptor {
  const { host } = context;
  return loadDescriptor({
    file: findDescriptor(context, nameOrPath),
    readText: (path) => host.files.readTextSync(path),
    environment: (name) => host.environment.get(name),
    secrets: host.secrets,
    exchange,
  });
}

/** Whether any issue is an error. */
export function hasErrors(issues: readonly Issue[]): boolean {
  return issues.some((issue) => issue.severity === "error");
}
