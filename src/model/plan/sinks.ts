import type { EventKind } from "../event.ts";

/** `[[sink]]`: one destination. `dir` is resolved like `dataDir`. */
export type SinkPlan =
  | {
    readonly type: "parquet";
    readonly name: string;
    readonly dir: string;
    /** A part is closed after this many seconds or rows, whichever comes first. */
    readonly partSeconds: number;
    readonly partRows: number;
    /** Adds `<column>_text` beside each DOUBLE with the exact digits. */
    readonly exactDigits: boolean;
    readonly kinds: readonly EventKind[] | null;
  }
  | {
    readonly type: "ndjson";
    readonly name: string;
    readonly dir: string;
    readonly kinds: readonly EventKind[] | null;
  }
  | { readonly type: "csv"; readonly name: string; readonly dir: string; readonly kinds: readonly EventKind[] | null }
  | { readonly type: "stdout"; readonly name: string; readonly kinds: readonly EventKind[] | null };
