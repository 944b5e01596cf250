import type { EventKind } from "../event_specs.ts";

/** `[[sink]]`: one destination, as plain data. Only the sink's own folder knows what its options mean. */
export interface SinkPlan {
  /** Name of the type in the sinks' registry. */
  readonly type: string;
  readonly name: string;
  /** Kinds of events that the sink receives; null: all. */
  readonly kinds: readonly EventKind[] | null;
  /** Patterns of exchange instances that the sink receives events of; absent: all. */
  readonly exchanges?: readonly string[];
  /** Patterns of symbols that the sink receives events of; absent: all. */
  readonly symbols?: readonly string[];
  /** The keys of its table, validated and complete; folders are resolved like `dataDir`. */
  readonly options: Readonly<Record<string, unknown>>;
}
