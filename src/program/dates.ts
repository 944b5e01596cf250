/**
 * Dates inside instrument names. A pattern is made of YYYY, YY (20YY), MM, MMM (JAN … DEC, any case), M (month letter
 * of futures: F January … Z December) and DD; any other character is literal. A DD that no digit can follow also
 * matches one digit: `5SEP25`. A text may also be read as a time: UNIX_MS and UNIX_S are milliseconds and seconds since
 * the epoch, in UTC.
 */

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
/** Month codes of futures, January to December. */
const LETTERS = "FGHJKMNQUVXZ";

type DatePart = "YYYY" | "YY" | "MMM" | "MM" | "M" | "DD";
type DatePiece = { readonly part: DatePart } | { readonly literal: string };

interface CalendarDate {
  readonly year: number | null;
  readonly month: number | null;
  readonly day: number | null;
}

const PIECE = /YYYY|YY|MMM|MM|M|DD|[^]/g;

function readPattern(pattern: string): readonly DatePiece[] {
  return (pattern.match(PIECE) ?? []).map((piece) => isDatePart(piece) ? { part: piece } : { literal: piece });
}

function isDatePart(piece: string): piece is DatePart {
  return piece === "YYYY" || piece === "YY" || piece === "MMM" || piece === "MM" || piece === "M" || piece === "DD";
}

/** Units of a time, in ms. */
const EPOCH_UNITS: ReadonlyMap<string, number> = new Map([["UNIX_MS", 1], ["UNIX_S", 1000]]);
/** Last millisecond of the year 9999. */
const EPOCH_MS_MAX = 253_402_300_799_999;

/** Whether a pattern contains any part of a date. */
export function isDatePattern(pattern: string): boolean {
  return EPOCH_UNITS.has(pattern) || readPattern(pattern).some((piece) => "part" in piece);
}

/** Converts a date from one pattern to another; null if the text does not match `from`, or lacks a part of `to`. */
export function reformatDate(text: string, from: string, to: string): string | null {
  const unit = EPOCH_UNITS.get(from);
  const date = unit === undefined ? readDate(text, readPattern(from)) : readTime(text, unit);
  if (date === null) return null;
  let written = "";
  for (const piece of readPattern(to)) {
    const shown = "literal" in piece ? piece.literal : writePart(date, piece.part);
    if (shown === null) return null;
    written += shown;
  }
  return written;
}

/** Returns the day of a time in whole units of `unitMs`; null if the text is no such time, or after the year 9999. */
function readTime(text: string, unitMs: number): CalendarDate | null {
  if (!/^\d{1,15}$/.test(text)) return null;
  const ms = Number(text) * unitMs;
  if (ms > EPOCH_MS_MAX) return null;
  const [year, month, day] = new Date(ms).toISOString().slice(0, 10).split("-").map(Number);
  return { year, month, day };
}

function readDate(text: string, pieces: readonly DatePiece[]): CalendarDate | null {
  let at = 0;
  let year: number | null = null;
  let month: number | null = null;
  let day: number | null = null;
  for (let i = 0; i < pieces.length; i++) {
    const piece = pieces[i];
    if ("literal" in piece) {
      if (!text.startsWith(piece.literal, at)) return null;
      at += piece.literal.length;
      continue;
    }
    const width = piece.part === "DD" && !isDigit(text, at + 1) && !digitMayFollow(pieces[i + 1])
      ? 1
      : piece.part.length;
    const read = readPart(text.slice(at, at + width), piece.part, width);
    if (read === null) return null;
    at += width;
    switch (piece.part) {
      case "YYYY":
      case "YY":
        if (year !== null && year !== read) return null;
        year = read;
        break;
      case "MMM":
      case "MM":
      case "M":
        if (month !== null && month !== read) return null;
        month = read;
        break;
      case "DD":
        if (day !== null && day !== read) return null;
        day = read;
    }
  }
  if (at !== text.length) return null;
  if (month !== null && (month < 1 || month > 12)) return null;
  if (day !== null && (day < 1 || day > daysOf(year, month))) return null;
  return { year, month, day };
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

function digitMayFollow(piece: DatePiece | undefined): boolean {
  if (piece === undefined) return false;
  return "literal" in piece ? isDigit(piece.literal, 0) : piece.part !== "MMM" && piece.part !== "M";
}

function readPart(text: string, part: DatePart, width: number): number | null {
  if (text.length !== width) return null;
  if (part === "MMM") {
    const index = MONTHS.indexOf(text.toUpperCase());
    return index < 0 ? null : index + 1;
  }
  if (part === "M") {
    const index = LETTERS.indexOf(text.toUpperCase());
    return index < 0 ? null : index + 1;
  }
  if (!/^\d+$/.test(text)) return null;
  return part === "YY" ? 2000 + Number(text) : Number(text);
}

function daysOf(year: number | null, month: number | null): number {
  if (month === null) return 31;
  if (month === 2) {
    const isLeap = year === null || (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0));
    return isLeap ? 29 : 28;
  }
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function writePart(date: CalendarDate, part: DatePart): string | null {
  const { year, month, day } = date;
  switch (part) {
    case "YYYY":
      return year === null ? null : String(year).padStart(4, "0");
    case "YY":
      return year === null ? null : String(year % 100).padStart(2, "0");
    case "MMM":
      return month === null ? null : MONTHS[month - 1];
    case "MM":
      return month === null ? null : String(month).padStart(2, "0");
    case "M":
      return month === null ? null : LETTERS[month - 1];
    case "DD":
      return day === null ? null : String(day).padStart(2, "0");
  }
}
