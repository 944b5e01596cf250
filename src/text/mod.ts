/**
 * Text for people: tables, counts, durations, colours. Pure, and knows nothing of what the text is about.
 */
export { showDuration } from "./duration.ts";
export { type Paint, painter } from "./paint.ts";
export { renderTable, showCount } from "./table.ts";
