import type { Files } from "../host/mod.ts";
import type { EventBatch, LevelsColumn, Micros } from "../model/mod.ts";
import { exchangePart, pathPart } from "../sink/mod.ts";

/** Flags of hftbacktest's events (https://hftbacktest.readthedocs.io/en/latest/data.html). */
const DEPTH = 1;
const TRADE = 2;
const DEPTH_CLEAR = 3;
const DEPTH_SNAPSHOT = 4;
const BUY = 1 << 29;
const SELL = 1 << 28;
/** The exchange and the local side both see the event: 1 << 31 and 1 << 30. */
const BOTH = 3_221_225_472;

const ROW_BYTES = 64;
const HEADER_BYTES = 256;
/** Rows of an instrument held in memory. */
const BLOCK_ROWS = 1024;
const DAY_MICROS = 86_400_000_000;

/** Buffers the rows of one instrument and day for a file. */
class Rows {
  readonly path: string;
  count = 0;
  readonly #files: Files;
  readonly #view = new DataView(new ArrayBuffer(ROW_BYTES * BLOCK_ROWS));
  #held = 0;
  #exchangeTs = 0;
  #localTs = 0;

  constructor(files: Files, path: string) {
    this.path = path;
    this.#files = files;
  }

  /**
   * Returns times that never go back: local times as received; exchange times neither before an earlier one nor after
   * receipt.
   */
  at(exchangeTs: Micros | null, receivedTs: Micros): void {
    this.#localTs = Math.max(this.#localTs, receivedTs);
    this.#exchangeTs = Math.max(this.#exchangeTs, Math.min(exchangeTs ?? receivedTs, this.#localTs));
  }

  async add(event: number, price: number, size: number): Promise<void> {
    if (this.#held === BLOCK_ROWS) await this.spill();
    const at = this.#held++ * ROW_BYTES;
    this.#view.setBigUint64(at, BigInt(event) + BigInt(BOTH), true);
    this.#view.setBigInt64(at + 8, BigInt(this.#exchangeTs) * 1000n, true);
    this.#view.setBigInt64(at + 16, BigInt(this.#localTs) * 1000n, true);
    this.#view.setFloat64(at + 24, price, true);
    this.#view.setFloat64(at + 32, size, true);
    this.count++;
  }

  async spill(): Promise<void> {
    // Opens the file for each block, because there may be more instruments than file handles.
    const handle = await this.#files.open(`${this.path}.rows`, "append");
    try {
      await handle.write(new Uint8Array(this.#view.buffer, 0, this.#held * ROW_BYTES));
    } finally {
      await handle.close();
    }
    this.#held = 0;
  }
}

/**
 * Writes trades and books as hftbacktest reads them: `<exchange>_<symbol>_<date>.npy`, one array of events for each
 * instrument and day of receipt. Times are in ns. Other kinds of events are left out.
 */
export class HftbacktestFiles {
  readonly #files: Files;
  readonly #dir: string;
  readonly #open = new Map<string, Rows>();

  constructor(files: Files, dir: string) {
    this.#files = files;
    this.#dir = dir;
  }

  async write(batch: EventBatch): Promise<void> {
    for (let event = 0; event < batch.length; event++) {
      const kind = batch.kindAt(event);
      if (kind !== "trade" && kind !== "book_snapshot" && kind !== "book_delta") continue;
      const rows = this.#rows(batch, event);
      rows.at(batch.exchangeTs.get(event), batch.receivedTs.values[event]);
      const row = batch.rows[event];
      if (kind === "trade") {
        const { price, size, side } = batch.table("trade");
        const way = side.get(row);
        await rows.add(TRADE + (way === "buy" ? BUY : way === "sell" ? SELL : 0), price.double(row), size.double(row));
        continue;
      }
      const { bids, asks } = batch.table(kind);
      await addSide(rows, { side: BUY, levels: bids, row, isSnapshot: kind === "book_snapshot" });
      await addSide(rows, { side: SELL, levels: asks, row, isSnapshot: kind === "book_snapshot" });
    }
  }

  /** Ends all files; resolves with their number. */
  async finish(): Promise<number> {
    for (const rows of this.#open.values()) {
      await rows.spill();
      await this.#assemble(rows);
    }
    const count = this.#open.size;
    this.#open.clear();
    return count;
  }

  /** Forgets what is held. */
  close(): Promise<void> {
    this.#open.clear();
    return Promise.resolve();
  }

  #rows(batch: EventBatch, event: number): Rows {
    const day = Math.floor(batch.receivedTs.values[event] / DAY_MICROS);
    const key = `${day} ${batch.exchanges[event]} ${batch.symbols[event]}`;
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const date = new Date(day * 86_400_000).toISOString().slice(0, 10);
    const path = `${this.#dir}/${exchangePart(batch.exchanges[event])}_${pathPart(batch.symbols[event])}_${date}.npy`;
    const rows = new Rows(this.#files, path);
    this.#open.set(key, rows);
    return rows;
  }

  /** Prepends the header, because the number of rows is known only at the end. */
  async #assemble({ path, count }: Rows): Promise<void> {
    const from = await this.#files.open(`${path}.rows`, "read");
    const to = await this.#files.open(`${path}.tmp`, "append");
    try {
      await to.write(npyHeader(count));
      for (let at = 0; at < count * ROW_BYTES; at += ROW_BYTES * BLOCK_ROWS) {
        await to.write(await from.readAt(at, Math.min(ROW_BYTES * BLOCK_ROWS, count * ROW_BYTES - at)));
      }
      await to.sync();
    } finally {
      await from.close();
      await to.close();
    }
    await this.#files.rename(`${path}.tmp`, path);
    await this.#files.remove(`${path}.rows`);
    await this.#files.syncDir(this.#dir);
  }
}

/** Writes one side. A snapshot first clears the side up to its worst price. */
async function addSide(
  rows: Rows,
  { side, levels: list, row, isSnapshot }: {
    readonly side: number;
    readonly levels: LevelsColumn;
    readonly row: number;
    readonly isSnapshot: boolean;
  },
): Promise<void> {
  const { prices, sizes } = list.levels;
  const [start, end] = [list.starts[row], list.ends[row]];
  if (isSnapshot && end > start) {
    let worst = prices.double(start);
    for (let level = start; level < end; level++) {
      const price = prices.double(level);
      worst = side === BUY ? Math.min(worst, price) : Math.max(worst, price);
    }
    await rows.add(DEPTH_CLEAR + side, worst, 0);
  }
  for (let level = start; level < end; level++) {
    await rows.add((isSnapshot ? DEPTH_SNAPSHOT : DEPTH) + side, prices.double(level), sizes.double(level));
  }
}

/** Header of a NumPy file of version 1 (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). */
function npyHeader(rows: number): Uint8Array {
  const fields = "ev u8, exch_ts i8, local_ts i8, px f8, qty f8, order_id u8, ival i8, fval f8".split(", ");
  const types = fields.map((field) => field.split(" ")).map(([name, type]) => `('${name}', '<${type}')`).join(", ");
  const text = `{'descr': [${types}], 'fortran_order': False, 'shape': (${rows},), }`;
  const header = new Uint8Array(HEADER_BYTES).fill(32);
  header.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, (HEADER_BYTES - 10) & 255, (HEADER_BYTES - 10) >> 8]);
  header.set(new TextEncoder().encode(text), 10);
  header[HEADER_BYTES - 1] = 10;
  return header;
}
