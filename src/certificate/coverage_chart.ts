import { type Certificate, dayAfter } from "./certificate.ts";

/** Days × streams. */
export interface CoverageChart {
  readonly days: readonly string[];
  readonly rows: readonly CoverageRow[];
}

export interface CoverageRow {
  readonly exchange: string;
  /** Such as `trades BTC/USDT`; only the channel if its symbols are merged. */
  readonly stream: string;
  /** Covered share of each day, 0 to 1; null if the day has no certificate. */
  readonly shares: readonly (number | null)[];
}

const DAY_MICROS = 86_400_000_000;

/**
 * Returns the share of each day that each stream is covered. `bySymbol`: one row a stream; else the streams of a
 * channel are one row, with the mean of those that are known.
 */
export function chartOf(
  certificates: readonly Certificate[],
  { bySymbol }: { readonly bySymbol: boolean },
): CoverageChart {
  const dates = certificates.map(({ date }) => date).sort();
  const days: string[] = [];
  const last = dates.at(-1);
  for (let day = dates.at(0); day !== undefined && last !== undefined && day <= last; day = dayAfter(day)) {
    days.push(day);
  }
  const rows = new Map<
    string,
    { exchange: string; stream: string; sums: Map<string, { share: number; count: number }> }
  >();
  for (const { exchange, date, streams } of certificates) {
    for (const { channel, symbol, covered_us } of streams) {
      const stream = bySymbol && symbol !== "" ? `${channel} ${symbol}` : channel;
      const key = `${exchange}\n${stream}`;
      let row = rows.get(key);
      if (row === undefined) rows.set(key, row = { exchange, stream, sums: new Map() });
      const sum = row.sums.get(date) ?? { share: 0, count: 0 };
      row.sums.set(date, { share: sum.share + covered_us / DAY_MICROS, count: sum.count + 1 });
    }
  }
  const shareOn = ({ share, count }: { share: number; count: number }) => share / count;
  return {
    days,
    rows: [...rows.values()].map(({ exchange, stream, sums }) => ({
      exchange,
      stream,
      shares: days.map((day) => {
        const sum = sums.get(day);
        return sum === undefined ? null : shareOn(sum);
      }),
    })).sort((a, b) => compare(a.exchange, b.exchange) || compare(a.stream, b.stream)),
  };
}

/** Blocks from nothing to a whole day; only a complete day has the full block. */
const BLOCKS = ["·", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;

function blockOf(share: number | null): string {
  if (share === null) return " ";
  if (share <= 0) return BLOCKS[0];
  if (share >= 1) return BLOCKS[8];
  return BLOCKS[1 + Math.min(6, Math.floor(share * 7))];
}

/** Draws a chart in letters, cut into parts that are no wider than `columns`. */
export function renderChart({ days, rows }: CoverageChart, columns: number): string {
  const names = rows.map(({ exchange, stream }) => `${exchange} ${stream}`);
  const nameWidth = Math.min(Math.max(0, ...names.map(({ length }) => length)), Math.max(12, columns - 24));
  const width = Math.max(10, columns - nameWidth - 10);
  const parts: string[] = [];
  for (let from = 0; from < days.length; from += width) {
    const shown = days.slice(from, from + width);
    const [first] = shown;
    const last = shown[shown.length - 1];
    const until = shown.length > 1 ? ` to ${last}` : "";
    const lines = [`${first}${until}`];
    for (const [at, row] of rows.entries()) {
      const shares = row.shares.slice(from, from + width);
      const known = shares.filter((share) => share !== null);
      const mean = known.length === 0 ? "" : percent(known.reduce((sum, share) => sum + share, 0) / known.length);
      lines.push(`${shorten(names[at], nameWidth).padEnd(nameWidth)}  ${shares.map(blockOf).join("")}  ${mean}`);
    }
    parts.push(lines.map((line) => line.trimEnd()).join("\n"));
  }
  return parts.join("\n\n");
}

/** Rounds down, so that an incomplete day never shows as complete. */
function percent(share: number): string {
  return share >= 1 ? "100 %" : `${(Math.floor(share * 10_000) / 100).toFixed(2)} %`;
}

function shorten(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

const CELL = 12;
const LINE = 16;
const LEFT = 260;
const TOP = 40;

/** Draws a chart as an SVG document. */
export function renderSvg({ days, rows }: CoverageChart): string {
  const width = LEFT + days.length * CELL + 20;
  const height = TOP + rows.length * LINE + 20;
  const months = days.flatMap((day, at) => at === 0 || day.endsWith("-01") ? [{ day, at }] : []);
  const body = [
    ...months.map(({ day, at }) => `<text x="${LEFT + at * CELL}" y="${TOP - 12}">${day}</text>`),
    ...rows.flatMap(({ exchange, stream, shares }, at) => {
      const y = TOP + at * LINE;
      const name = escaped(`${exchange} ${stream}`);
      return [
        `<text x="${LEFT - 8}" y="${y + 11}" text-anchor="end">${name}</text>`,
        ...shares.map((share, day) => {
          const title = `${name}, ${days[day]}: ${share === null ? "nothing is known" : percent(share)}`;
          return `<rect x="${LEFT + day * CELL}" y="${y}" width="${CELL - 1}" height="${LINE - 2}" ` +
            `fill="${fillOf(share)}"><title>${title}</title></rect>`;
        }),
      ];
    }),
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
    `font-family="sans-serif" font-size="11">\n<rect width="100%" height="100%" fill="#ffffff"/>\n${
      body.join("\n")
    }\n</svg>\n`;
}

/**
 * Returns the colour of a share: grey if unknown, else from red over yellow to green; only a complete day is full
 * green.
 */
function fillOf(share: number | null): string {
  if (share === null) return "#e8e8e8";
  if (share >= 1) return "#1a7f37";
  return `hsl(${Math.floor(share * 95)}, 70%, 55%)`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
