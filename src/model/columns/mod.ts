/**
 * Events as columns, the form in which the data path passes them on. `EVENT_SPECS` defines the columns of a kind;
 * `EventBatch` holds events of all kinds in one order; `DigitsColumn` holds numbers without losing a digit.
 */
export { ChoiceColumn, NumberColumn } from "./columns.ts";
export { compareNumbers, decimalText, DigitsColumn, SCALE_NULL, SCALE_TEXT, writeDecimal } from "./digits_column.ts";
export { EventBatch, type EventHead } from "./event_batch.ts";
export { EventRows } from "./event_rows.ts";
export { type FieldColumn, type TableColumns } from "./event_table.ts";
export {
  copyLevels,
  LevelColumns,
  type LevelRange,
  levelRange,
  LevelsColumn,
  type LevelSource,
  levelTexts,
  type WithLevelSource,
} from "./level_columns.ts";
