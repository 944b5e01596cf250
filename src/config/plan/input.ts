import type { HeldShares, Shard } from "../../model/mod.ts";
import type { Locate } from "../position.ts";
import type { DescriptorValues } from "../schema_descriptor.ts";
import type { ExchangeValues } from "../schema_collector.ts";

/** A symbol map file as it was read, TOML or JSON: canonical → native. Its values are not yet checked. */
export interface SymbolMapInput {
  readonly values: Readonly<Record<string, unknown>>;
  /** Positions in the map's file. */
  readonly locate: Locate;
}

/** One row of an exchange's own list of instruments, which completes the symbol map. */
export interface ListedInstrument {
  readonly canonical: string;
  readonly native: string;
  /** What lists say of it besides. */
  readonly values: Readonly<Record<string, string>>;
}

/** A descriptor, checked for shape, with what it refers to. */
export interface DescriptorInput {
  readonly descriptor: DescriptorValues;
  /** Positions in the descriptor's file. */
  readonly locateDescriptor: Locate;
  /** Null if none is named, or its file is missing, which the caller reports. */
  readonly symbolMap: SymbolMapInput | null;
  /** An environment variable's value; undefined where it is not set. */
  readonly environment: (name: string) => string | undefined;
}

/** An exchange instance, checked for shape, with its descriptor. */
export interface ExchangeInput extends DescriptorInput {
  readonly instance: ExchangeValues;
  /** Positions in `collector.toml`, by paths from the instance's table. */
  readonly locateInstance: Locate;
  /** Share of all streams that is wanted; null or absent: all. */
  readonly shard?: Shard | null;
  /** Shares of a group that are held; null or absent: there is no group, or it is not known yet who holds what. */
  readonly shares?: HeldShares | null;
  /** Entries that the exchange's own list of instruments adds to the symbol map. The map wins. */
  readonly listed?: readonly ListedInstrument[];
}
