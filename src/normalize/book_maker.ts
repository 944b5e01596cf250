import { type NodeId, NOT_FOUND, type Path } from "../json/mod.ts";
import { isDecimal, isZero, type Level } from "../model/mod.ts";
import type { CompiledBookFields, CompiledEvent, CompiledLevel, CompiledRows } from "../program/mod.ts";
import type { ReadContext } from "./context.ts";
import { expressionText, FieldReader } from "./field.ts";
import { RowList } from "./rows.ts";
import { type EventMaker, optionalField } from "./rule_fields.ts";

/** Compiles a book rule: which levels stand where, whether they replace or change the book, and the sequences. */
export function createBookMaker(rule: CompiledEvent): EventMaker {
  const book = rule.book;
  if (book === null) throw new Error(`Cannot compile rule ${rule.name}: it says not where its levels are`);
  const sequence = optionalField(rule, "sequence");
  const firstSequence = optionalField(rule, "first_sequence");
  const lastSequence = optionalField(rule, "last_sequence");
  const previousSequence = optionalField(rule, "previous_sequence");
  const usesIds = book.bidLevel.id !== null || book.askLevel.id !== null;
  const readLevels = createLevelsReader(rule.name, book);
  const { snapshot } = book;
  const isAnswer = rule.source !== "ws";
  const isNumbered = sequence !== null || lastSequence !== null;
  return (context) => {
    const isSnapshot = typeof snapshot === "boolean" ? snapshot : snapshot.test(context.scope);
    if (usesIds && context.hasSession) {
      const { levelIds } = context.memory;
      if (isSnapshot) levelIds.reset(context.native);
      else if (!levelIds.hasSnapshot(context.native)) return null;
    }
    if (isSnapshot) {
      const own = sequence === null ? null : sequence.sequence(context);
      const number = own ?? (lastSequence === null ? null : lastSequence.sequence(context));
      const { bids, asks, hasSides } = readLevels(context);
      // A pushed snapshot may leave out what is empty; an answer without both sides is none.
      if (isAnswer && !hasSides) context.fail("missing_field", `${rule.name}.bids and asks`);
      // Without its number a snapshot that was asked for cannot be joined with the updates beside it.
      if (isAnswer && isNumbered && number === null) context.fail("missing_field", `${rule.name}.sequence`);
      return context.rowFailed ? null : { kind: "book_snapshot", bids, asks, sequence: number };
    }
    const first_sequence = firstSequence === null ? null : firstSequence.sequence(context);
    const last = lastSequence === null ? null : lastSequence.sequence(context);
    const last_sequence = last ?? (sequence === null ? null : sequence.sequence(context));
    const previous_sequence = previousSequence === null ? null : previousSequence.sequence(context);
    const { bids, asks } = readLevels(context);
    if (context.rowFailed) return null;
    return { kind: "book_delta", bids, asks, first_sequence, last_sequence, previous_sequence };
  };
}

interface Levels {
  readonly bids: Level[];
  readonly asks: Level[];
  /** Whether both sides stood where they were looked for, if only as empty lists. */
  readonly hasSides: boolean;
}

type LevelsReader = (context: ReadContext) => Levels;

function createLevelsReader(owner: string, book: CompiledBookFields): LevelsReader {
  const options = { dropMalformed: book.dropMalformedLevels };
  const bidLevel = new LevelReader(`${owner}.bids`, book.bidLevel, { ...options, side: "bid" });
  const askLevel = new LevelReader(`${owner}.asks`, book.askLevel, { ...options, side: "ask" });
  if (book.levels === null) {
    const bidRows = book.bids;
    const askRows = book.asks;
    const list = new RowList();
    return (context) => {
      const bids = readSide(context, list, bidRows, bidLevel);
      const hasBids = bidRows === null || list.found;
      const asks = readSide(context, list, askRows, askLevel);
      const hasAsks = askRows === null || list.found;
      return { bids, asks, hasSides: hasBids && hasAsks };
    };
  }
  const rows = book.levels;
  if (book.side === null) throw new Error(`Cannot compile rule ${owner}: its levels have no side`);
  const side = new FieldReader(book.side, `${owner}.side`, true);
  const list = new RowList();
  return (context) => {
    const { row, parent } = context.scope;
    list.collect(context.document, rows, row);
    const levels: Levels = { bids: [], asks: [], hasSides: list.found };
    for (const node of list.rows) {
      context.atRow(node, row);
      const isBid = side.oneOf(context, LEVEL_SIDES, "bid") === "bid";
      const level = isBid ? bidLevel.read(context, node) : askLevel.read(context, node);
      if (level !== null) (isBid ? levels.bids : levels.asks).push(level);
    }
    context.atRow(row, parent);
    return levels;
  };
}

const LEVEL_SIDES = ["bid", "ask"] as const;

function readSide(context: ReadContext, list: RowList, rows: CompiledRows | null, reader: LevelReader): Level[] {
  const levels: Level[] = [];
  if (rows === null) return levels;
  const { row, parent } = context.scope;
  list.collect(context.document, rows, row);
  const { stride } = reader;
  for (let i = 0; i < list.rows.length; i += stride ?? 1) {
    const level = stride === null ? reader.read(context, list.rows[i], row) : reader.readFlat(context, list.rows, i);
    if (level !== null) levels.push(level);
  }
  context.atRow(row, parent);
  return levels;
}

/** Reads one price level. */
class LevelReader {
  readonly #rule: CompiledLevel;
  readonly #where: string;
  readonly #dropMalformed: boolean;
  readonly #side: "bid" | "ask";
  /** Both are the first two elements of an array: the usual shape. */
  readonly #isPair: boolean;
  /** How many values of a flat list are one level; null where each element is one. */
  readonly stride: number | null;
  /** Places of price and size among these values. */
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
    this.#isPair = rule.id === null && isIndex(rule.price.path, "0") && isIndex(rule.size.path, "1");
  }

  /** The level at a node whose row is `parent`; null where it is malformed, which is a fault unless it is dropped. */
  read(context: ReadContext, node: NodeId, parent: NodeId = context.scope.parent): Level | null {
    let price: string | null;
    let size: string | null;
    const document = context.document;
    if (this.#isPair && document.kind(node) === "array") {
      const first = document.firstChild(node);
      const second = first === NOT_FOUND ? NOT_FOUND : document.next(first);
      price = document.plainDecimal(first);
      size = document.plainDecimal(second);
      if (price !== null && size !== null) return [price, size];
      price = document.text(first);
      size = document.text(second);
    } else {
      context.atRow(node, parent);
      price = expressionText(context, this.#rule.price);
      size = expressionText(context, this.#rule.size);
      if (this.#rule.id !== null && context.hasSession) {
        price = this.#priceById(context, { price, size });
        if (price === null) return null;
      }
    }
    return this.#levelOf(context, price, size);
  }

  /** The level whose values begin at an element of a flat list; null where it is malformed. */
  readFlat(context: ReadContext, values: readonly NodeId[], at: number): Level | null {
    const [price, size] = this.#places.map((place) => context.document.text(values[at + place] ?? NOT_FOUND));
    return this.#levelOf(context, price, size);
  }

  #levelOf(context: ReadContext, price: string | null, size: string | null): Level | null {
    if (price !== null && size !== null && isDecimal(price) && isDecimal(size)) return [price, size];
    if (this.#dropMalformed) return null;
    const isPriceWrong = price === null || !isDecimal(price);
    const { source } = isPriceWrong ? this.#rule.price : this.#rule.size;
    context.fail((isPriceWrong ? price : size) === null ? "missing_field" : "bad_decimal", `${this.#where} ${source}`);
    return null;
  }

  /** The level's price, its own or the one last seen with its id; null where neither is known, which is noted. */
  #priceById(
    context: ReadContext,
    level: { readonly price: string | null; readonly size: string | null },
  ): string | null {
    const id = this.#rule.id === null ? null : expressionText(context, this.#rule.id);
    const key = `${this.#side} ${id}`;
    const { levelIds } = context.memory;
    const price = level.price ?? (id === null ? null : levelIds.find(context.native, key));
    if (price === null) {
      context.lose("unknown_level", `${this.#where} ${this.#rule.id?.source ?? ""}`);
    } else if (id !== null && level.size !== null && isDecimal(price) && isDecimal(level.size)) {
      if (isZero(level.size)) levelIds.drop(context.native, key);
      else levelIds.remember(context.native, { key, price });
    }
    return price;
  }
}

/** The element that a path of one index names. */
function placeOf(path: Path | null): number {
  return path === null ? 0 : Number(path.segments[0]);
}

function isIndex(path: Path | null, segment: string): boolean {
  return path !== null && path.segments.length === 1 && path.segments[0] === segment;
}
