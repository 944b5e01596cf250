import { type JsonDocument, type NodeId, NOT_FOUND, type Path } from "../json/mod.ts";
import { type DigitsColumn, EVENT_KINDS, isDecimal, isZero, LevelColumns, type LevelsColumn } from "../model/mod.ts";
import type { CompiledBookFields, CompiledEvent, CompiledLevel, CompiledRows } from "../program/mod.ts";
import type { ReadContext } from "./context.ts";
import { expressionText, FieldReader } from "./field.ts";
import { createOrdersReader, type ReadOrders } from "./orders_reader.ts";
import { RowList } from "./rows.ts";
import { type EventMaker, NO_EVENT, optionalField } from "./rule_fields.ts";

/** Compiles a book rule: where its levels are, whether they replace or change the book, and its sequences. */
export function createBookMaker(rule: CompiledEvent): EventMaker {
  const book = rule.book;
  if (book === null) throw new Error(`Cannot compile rule ${rule.name}: it does not say where its levels are`);
  const sequence = optionalField(rule, "sequence");
  const firstSequence = optionalField(rule, "first_sequence");
  const lastSequence = optionalField(rule, "last_sequence");
  const previousSequence = optionalField(rule, "previous_sequence");
  const readOrders = createOrdersReader(rule.name, book);
  const usesIds = readOrders === null && (book.bidLevel.id !== null || book.askLevel.id !== null);
  const readLevels = readOrders === null ? createLevelsReader(rule.name, book) : withOrders(readOrders);
  const { snapshot } = book;
  const isAnswer = rule.source !== "ws";
  const isNumbered = sequence !== null || lastSequence !== null;
  return (context, batch) => {
    const isSnapshot = typeof snapshot === "boolean" ? snapshot : snapshot.test(context.scope);
    if (usesIds && context.hasSession) {
      const { levelIds } = context.memory;
      if (isSnapshot) levelIds.reset(context.native);
      else if (!levelIds.hasSnapshot(context.native)) return NO_EVENT;
    }
    const kind = isSnapshot ? SNAPSHOT : DELTA;
    batch.begin(kind);
    if (isSnapshot) {
      const number = batch.table("book_snapshot").sequence;
      addSequence(number, sequence, lastSequence, context);
      const hasSides = readLevels(context, batch.table("book_snapshot"));
      // A pushed snapshot may omit an empty side; a REST answer must have both.
      if (isAnswer && !hasSides) context.fail("missing_field", `${rule.name}.bids and asks`);
      // A requested snapshot without its sequence cannot be joined with the deltas.
      const isUnnumbered = isAnswer && isNumbered && number.isNull(number.length - 1);
      if (isUnnumbered) context.fail("missing_field", `${rule.name}.sequence`);
    } else {
      const delta = batch.table("book_delta");
      addSequence(delta.first_sequence, firstSequence, null, context);
      addSequence(delta.last_sequence, lastSequence, sequence, context);
      addSequence(delta.previous_sequence, previousSequence, null, context);
      readLevels(context, delta);
    }
    if (!context.rowFailed) return kind;
    batch.undo();
    return NO_EVENT;
  };
}

const SNAPSHOT = EVENT_KINDS.indexOf("book_snapshot");
const DELTA = EVENT_KINDS.indexOf("book_delta");

/** Appends the sequence of the first of two fields that has one. */
function addSequence(
  column: DigitsColumn,
  first: FieldReader | null,
  second: FieldReader | null,
  context: ReadContext,
) {
  if (first === null) column.appendNull();
  else first.sequenceInto(context, column);
  const row = column.length - 1;
  if (second === null || !column.isNull(row)) return;
  column.length = row;
  second.sequenceInto(context, column);
}

/** The columns of both sides. */
interface SideColumns {
  readonly bids: LevelsColumn;
  readonly asks: LevelsColumn;
}

/** Appends both sides to their columns; returns whether the frame has both, even if they are empty lists. */
type LevelsReader = (context: ReadContext, into: SideColumns) => boolean;

/** Reads changes of single orders, which the book aggregates to levels later: the event's levels stay empty. */
function withOrders(read: (context: ReadContext) => ReadOrders): LevelsReader {
  return (context, { bids, asks }) => {
    const { changes, hasSides } = read(context);
    context.orders = changes;
    for (const side of [bids, asks]) side.appendRange(side.levels.length, side.levels.length);
    return hasSides;
  };
}

function createLevelsReader(owner: string, book: CompiledBookFields): LevelsReader {
  const options = { dropMalformed: book.dropMalformedLevels };
  const bidLevel = new LevelReader(`${owner}.bids`, book.bidLevel, { ...options, side: "bid" });
  const askLevel = new LevelReader(`${owner}.asks`, book.askLevel, { ...options, side: "ask" });
  if (book.levels === null) {
    const bidRows = book.bids;
    const askRows = book.asks;
    const list = new RowList();
    return (context, { bids, asks }) => {
      readSide(context, list, bidRows, bidLevel, bids);
      const hasBids = bidRows === null || list.found;
      readSide(context, list, askRows, askLevel, asks);
      return hasBids && (askRows === null || list.found);
    };
  }
  const rows = book.levels;
  if (book.side === null) throw new Error(`Cannot compile rule ${owner}: its levels have no side`);
  const side = new FieldReader(book.side, `${owner}.side`, true);
  const list = new RowList();
  // Sides may be mixed in the frame, but are contiguous in the batch.
  const askLevels = new LevelColumns();
  return (context, { bids, asks }) => {
    const { row, parent } = context.scope;
    list.collect(context.document, rows, row);
    const { levels } = bids;
    const start = levels.length;
    askLevels.clear();
    for (const node of list.rows) {
      context.atRow(node, row);
      const isBid = side.oneOf(context, LEVEL_SIDES, "bid") === "bid";
      if (isBid) bidLevel.read(context, node, levels);
      else askLevel.read(context, node, askLevels);
    }
    context.atRow(row, parent);
    bids.appendRange(start, levels.length);
    asks.append({ levels: askLevels, start: 0, end: askLevels.length });
    return list.found;
  };
}

const LEVEL_SIDES = ["bid", "ask"] as const;

/** Reads one side. Positional parameters, because an object would be an allocation per side. */
function readSide(
  context: ReadContext,
  list: RowList,
  rows: CompiledRows | null,
  reader: LevelReader,
  into: LevelsColumn,
): void {
  const { levels } = into;
  const start = levels.length;
  if (rows !== null) {
    const { row, parent } = context.scope;
    if (rows.steps.length === 1 && rows.tail === null) {
      // The usual case, a single list, needs no list of rows.
      if (reader.readPairs(context, context.document.find(rows.steps[0], row), levels)) {
        list.found = true;
        context.atRow(row, parent);
        return into.appendRange(start, levels.length);
      }
    }
    list.collect(context.document, rows, row);
    const { stride } = reader;
    for (let i = 0; i < list.rows.length; i += stride ?? 1) {
      if (stride === null) reader.read(context, list.rows[i], levels, row);
      else reader.readFlat(context, list.rows, i, levels);
    }
    context.atRow(row, parent);
  }
  into.appendRange(start, levels.length);
}

/** Reads one price level. */
class LevelReader {
  readonly #rule: CompiledLevel;
  readonly #where: string;
  readonly #dropMalformed: boolean;
  readonly #side: "bid" | "ask";
  /** Whether price and size are the first two elements of an array, the usual shape. */
  readonly #isPair: boolean;
  /** Paths of price and size in a level without an id; null if they are not plain paths. */
  readonly #pricePath: Path | null;
  readonly #sizePath: Path | null;
  readonly #spans = new Int32Array(4);
  /** Number of values of a flat list that make one level; null if each element is a level. */
  readonly stride: number | null;
  /** Indexes of price and size among these values. */
  readonly #places: readonly [price: number, size: number];

  constructor(
    where: string,
    rule: CompiledLevel,
    options: { readonly dropMalformed: boolean; readonly side: "bid" | "ask" },
  ) {
    this.#rule = rule;
    this.#where = where;
    this.#dropMalformed = options.dropMalformed;
    this.#side = options.side;
    this.stride = rule.stride;
    this.#places = [placeOf(rule.price.path), placeOf(rule.size.path)];
    this.#pricePath = rule.id === null ? rule.price.path : null;
    this.#sizePath = rule.id === null ? rule.size.path : null;
    this.#isPair = rule.id === null && isIndex(rule.price.path, "0") && isIndex(rule.size.path, "1");
  }

  /**
   * Appends the level at a node whose row is `parent`. A malformed level is skipped, and is a fault unless the rule
   * drops such levels.
   */
  read(context: ReadContext, node: NodeId, into: LevelColumns, parent: NodeId = context.scope.parent): void {
    let price: string | null;
    let size: string | null;
    const document = context.document;
    if (this.#isPair && document.kind(node) === "array") {
      if (this.#addPair(document, node, into)) return;
      const first = document.firstChild(node);
      const second = first === NOT_FOUND ? NOT_FOUND : document.next(first);
      price = document.text(first);
      size = document.text(second);
    } else {
      if (this.#addPlaced(document, node, into)) return;
      context.atRow(node, parent);
      price = expressionText(context, this.#rule.price);
      size = expressionText(context, this.#rule.size);
      if (this.#rule.id !== null && context.hasSession) {
        price = this.#priceById(context, { price, size });
        if (price === null) return;
      }
    }
    this.#add(context, price, size, into);
  }

  /**
   * Appends the levels of a list of pairs. Returns false and appends nothing if the rule does not read pairs or the
   * node is no list.
   */
  readPairs(context: ReadContext, list: NodeId, into: LevelColumns): boolean {
    const { document } = context;
    const { row } = context.scope;
    if (!this.#isPair || this.stride !== null || list < 0 || document.kind(list) !== "array") return false;
    for (let node = document.firstChild(list); node !== NOT_FOUND; node = document.next(node)) {
      if (!this.#addPair(document, node, into)) this.read(context, node, into, row);
    }
    return true;
  }

  /** Appends a level whose numbers are plainly written. Returns false and appends nothing if one is not. */
  #addPair(document: JsonDocument, node: NodeId, into: LevelColumns): boolean {
    const spans = this.#spans;
    if (!document.pairSpans(node, spans)) return false;
    const { bytes } = document;
    const { prices, sizes } = into;
    if (!prices.appendBytes(bytes, spans[0], spans[1])) return false;
    if (sizes.appendBytes(bytes, spans[2], spans[3])) return true;
    prices.length--;
    return false;
  }

  /** Does the same as `#addPair` for a level whose price and size each have a path. */
  #addPlaced(document: JsonDocument, node: NodeId, into: LevelColumns): boolean {
    if (this.#pricePath === null || this.#sizePath === null) return false;
    const price = document.find(this.#pricePath, node);
    const size = document.find(this.#sizePath, node);
    const priceLength = document.plainLength(price);
    const sizeLength = document.plainLength(size);
    if (priceLength <= 0 || sizeLength <= 0) return false;
    const { bytes } = document;
    const { prices, sizes } = into;
    const priceStart = document.plainStart(price);
    if (!prices.appendBytes(bytes, priceStart, priceStart + priceLength)) return false;
    const sizeStart = document.plainStart(size);
    if (sizes.appendBytes(bytes, sizeStart, sizeStart + sizeLength)) return true;
    prices.length--;
    return false;
  }

  /** Appends the level whose values begin at an element of a flat list; skips a malformed one. */
  readFlat(context: ReadContext, values: readonly NodeId[], at: number, into: LevelColumns): void {
    const [price, size] = this.#places.map((place) => context.document.text(values[at + place] ?? NOT_FOUND));
    this.#add(context, price, size, into);
  }

  #add(context: ReadContext, price: string | null, size: string | null, into: LevelColumns): void {
    if (price !== null && size !== null && isDecimal(price) && isDecimal(size)) return into.append(price, size);
    if (this.#dropMalformed) return;
    const isPriceWrong = price === null || !isDecimal(price);
    const { source } = isPriceWrong ? this.#rule.price : this.#rule.size;
    context.fail((isPriceWrong ? price : size) === null ? "missing_field" : "bad_decimal", `${this.#where} ${source}`);
  }

  /** Returns the level's price, its own or the one last seen with its id; null, with a fault, if neither is known. */
  #priceById(
    context: ReadContext,
    level: { readonly price: string | null; readonly size: string | null },
  ): string | null {
    const id = this.#rule.id === null ? null : expressionText(context, this.#rule.id);
    const key = `${this.#side} ${id}`;
    const { levelIds } = context.memory;
    const price = level.price ?? (id === null ? null : levelIds.find(context.native, key));
    if (price === null) {
      context.failPart("unknown_level", `${this.#where} ${this.#rule.id?.source ?? ""}`);
    } else if (id !== null && level.size !== null && isDecimal(price) && isDecimal(level.size)) {
      if (isZero(level.size)) levelIds.drop(context.native, key);
      // A price found by the id is remembered already.
      else if (level.price !== null) levelIds.remember(context.native, { key, price });
    }
    return price;
  }
}

/** Returns the index that a path of one index names. */
function placeOf(path: Path | null): number {
  return path === null ? 0 : Number(path.segments[0]);
}

function isIndex(path: Path | null, segment: string): boolean {
  return path !== null && path.segments.length === 1 && path.segments[0] === segment;
}
