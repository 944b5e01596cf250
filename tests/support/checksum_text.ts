import type { NumberDigits, OrderBook } from "../../src/book/mod.ts";
import type { ChecksumRule, Level } from "../../src/model/mod.ts";

/** The text of a checksum, written out: what the program sums up without making it. */
export function checksumText(book: OrderBook, rule: ChecksumRule, digits: NumberDigits): string {
  const number = (text: string, decimals: number) => {
    if (rule.numbers === "as_received") return text;
    if (rule.numbers === "shortest") return String(Number(text));
    const [whole, fraction = ""] = text.split(".");
    return (whole + fraction.padEnd(decimals, "0")).replace(/^0+/, "");
  };
  const parts = (levels: readonly Level[], sign: string) =>
    levels.map(([price, size]) => [number(price, digits.price), sign + number(size, digits.size)]);
  const between = (sides: readonly (readonly string[])[][]) =>
    sides.filter((side) => side.length > 0).map((side) =>
      side.map((level) => level.join(rule.separator)).join(rule.separators?.level ?? rule.separator)
    ).join(rule.separators?.side ?? rule.separator);
  const bids = parts(book.top("bid", rule.depth), "");
  const asks = parts(book.top("ask", rule.depth), rule.negativeAsks ? "-" : "");
  switch (rule.order) {
    case "asks_bids":
      return between([asks, bids]);
    case "bids_asks":
      return between([bids, asks]);
    case "interleaved": {
      const ranks = Array.from({ length: Math.max(bids.length, asks.length) }, (_, rank) => rank);
      return ranks.flatMap((rank) => [...bids[rank] ?? [], ...asks[rank] ?? []]).join(rule.separator);
    }
  }
}
