/** A certificate of one stream of trades that is covered for some hours of a day. */
export function certificateText(
  { exchange, date, hours, gaps }: {
    readonly exchange: string;
    readonly date: string;
    readonly hours: number;
    readonly gaps: number;
  },
): string {
  const from = Date.parse(`${date}T00:00:00Z`) * 1000;
  const to = from + hours * 3_600_000_000;
  const gap = { channel: "trades", symbol: "BTC/USDT", cause: "disconnect", from_ts: from, to_ts: to, fate: "closed" };
  const stream = {
    channel: "trades",
    symbol: "BTC/USDT",
    first_ts: from,
    last_ts: to,
    latest: { ts: to, journal: "a" },
    counts: {},
    coverage: [{ from_ts: from, to_ts: to }],
    covered_us: to - from,
    proved_by: [],
    gaps: Array.from({ length: gaps }, (_, at) => ({ ...gap, gap_id: `${at}-0`, detail: "", action: "" })),
  };
  return JSON.stringify({
    format: 1,
    exchange,
    date,
    archive: "ndjson",
    written_ts: to,
    is_closed: true,
    is_settled: false,
    tells_gaps: true,
    journals: ["a"],
    plans: [],
    chain: [],
    streams: [stream],
    files: [],
  });
}
