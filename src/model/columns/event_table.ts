import { CHANNELS } from "../channel.ts";
import { GAP_CAUSES, GAP_STATES } from "../event_values.ts";
import { SIDES } from "../plan/frames.ts";
import { EVENT_SPECS, type EventKind, fieldsOf, type FieldSpec, type FieldType } from "../event_specs.ts";
import { ChoiceColumn, NumberColumn } from "./columns.ts";
import { DigitsColumn } from "./digits_column.ts";
import { type LevelColumns, LevelsColumn } from "./level_columns.ts";

/** The column of each type of field. */
interface FieldColumns extends Record<FieldType, unknown> {
  readonly id: DigitsColumn;
  readonly text: DigitsColumn;
  readonly word: DigitsColumn;
  readonly payload: DigitsColumn;
  readonly decimal: DigitsColumn;
  readonly micros: NumberColumn;
  readonly boolean: ChoiceColumn<boolean>;
  readonly side: ChoiceColumn<string>;
  readonly levels: LevelsColumn;
  readonly channel: ChoiceColumn<string>;
  readonly gap_state: ChoiceColumn<string>;
  readonly gap_cause: ChoiceColumn<string>;
}

/** Any column of a field. */
export type FieldColumn = FieldColumns[FieldType];

/** The columns of a kind by the names of its fields, as EVENT_SPECS gives them. */
export type TableColumns<K extends EventKind> = {
  readonly [F in keyof (typeof EVENT_SPECS)[K]["fields"]]: (typeof EVENT_SPECS)[K]["fields"][F] extends
    { readonly type: infer T extends FieldType } ? FieldColumns[T] : never;
};

/** Creates the columns of a kind; its price levels go to `levels`. */
export function createColumns<K extends EventKind>(kind: K, levels: LevelColumns): TableColumns<K> {
  const columns = fieldsOf(kind).map(([name, spec]) => [name, createColumn(spec, levels)] as const);
  return Object.fromEntries(columns) as unknown as TableColumns<K>;
}

const BOOLEANS = [false, true] as const;

function createColumn({ type }: FieldSpec, levels: LevelColumns): FieldColumn {
  switch (type) {
    case "micros":
      return new NumberColumn();
    case "boolean":
      return new ChoiceColumn(BOOLEANS);
    case "side":
      return new ChoiceColumn<string>(SIDES);
    case "channel":
      return new ChoiceColumn<string>(CHANNELS);
    case "gap_state":
      return new ChoiceColumn<string>(GAP_STATES);
    case "gap_cause":
      return new ChoiceColumn<string>(GAP_CAUSES);
    case "levels":
      return new LevelsColumn(levels);
    default:
      return new DigitsColumn();
  }
}

/** Returns the value in a row as it appears in event objects. */
export function valueAt(column: FieldColumn, row: number): unknown {
  return column instanceof DigitsColumn ? column.text(row) : column.get(row);
}
