import type { CopiedKeeper } from "../book/mod.ts";
import { CHECKPOINT_PART_CHARS, type SessionId } from "../model/mod.ts";
import type { KeptBook } from "./books.ts";
import { type CheckpointItem, checkpointText, packLevels } from "./checkpoint.ts";

/** Estimated characters of a level, and of the rest of a book, in a checkpoint. */
const LEVEL_CHARS = 20;
const BOOK_CHARS = 600;
/** Estimated characters of a list of entries that is serialized later. */
const LIST_CHARS = 32 * 1024;

/** A book as it was when saved, although it may have changed since. */
class SavedBook {
  readonly #session: SessionId;
  readonly #kept: KeptBook;
  readonly #topSlot: number | null;
  readonly #gapId: string;
  #copied: CopiedKeeper | null = null;
  readonly #stopLooking: () => void;

  /** Copies the levels when they are serialized, or before they change if that is earlier. */
  constructor(session: SessionId, kept: KeptBook) {
    this.#session = session;
    this.#kept = kept;
    this.#topSlot = kept.topSlot;
    this.#gapId = kept.gapId;
    this.#stopLooking = kept.keeper.beforeChange(() => this.#copied ??= kept.keeper.copyState());
  }

  item(): CheckpointItem {
    const { symbol, native, channel, keeper } = this.#kept;
    this.#stopLooking();
    const { bids, asks, rest } = this.#copied ?? keeper.copyState();
    return ["book", this.#session, {
      rule: keeper.rule.name,
      ...{ symbol, native, channel, topSlot: this.#topSlot, gapId: this.#gapId },
      ...{ bids: packLevels(bids), asks: packLevels(asks), keeper: rest },
    }];
  }
}

/** A part, serialized on call and not kept. */
type Part = () => string;

/**
 * The pipeline's memory at one record, as texts of about CHECKPOINT_PART_CHARS, or of one item if that is longer. Their
 * number is known at once. Each is created when it is read, in time proportional to its length, while the pipeline goes
 * on: a book is copied before it changes. Can be read once.
 */
export class SavedState {
  readonly #parts: Part[] = [];
  /** Estimated characters of all parts together. */
  chars = 0;
  #items: string[] = [];
  #itemChars = 0;
  #later: (() => CheckpointItem)[] = [];
  #laterChars = 0;

  get length(): number {
    return this.#parts.length;
  }

  /** Adds an item, which is serialized at once. */
  add(item: CheckpointItem): void {
    this.#endLater();
    const text = JSON.stringify(item);
    if (this.#items.length > 0 && this.#itemChars + text.length > CHECKPOINT_PART_CHARS) this.#endItems();
    this.#items.push(text);
    this.#itemChars += text.length + 1;
  }

  /** Adds a book, which is serialized later. */
  addBook(session: SessionId, kept: KeptBook): void {
    const saved = new SavedBook(session, kept);
    this.#addLater(BOOK_CHARS + kept.keeper.book.size * LEVEL_CHARS, () => saved.item());
  }

  /** Adds a list of immutable entries, which is serialized later. */
  addList(item: CheckpointItem): void {
    this.#addLater(LIST_CHARS, () => item);
  }

  /** Ends the last part; there is at least one. */
  end(): this {
    this.#endLater();
    if (this.#items.length > 0 || this.#parts.length === 0) this.#endItems();
    return this;
  }

  *[Symbol.iterator](): Generator<string, void, undefined> {
    for (let part = this.#parts.shift(); part !== undefined; part = this.#parts.shift()) yield part();
  }

  #addLater(chars: number, item: () => CheckpointItem): void {
    if (this.#items.length > 0) this.#endItems();
    if (this.#later.length > 0 && this.#laterChars + chars > CHECKPOINT_PART_CHARS) this.#endLater();
    this.#later.push(item);
    this.#laterChars += chars;
  }

  #endItems(): void {
    const text = checkpointText(this.#items);
    this.#parts.push(() => text);
    this.chars += text.length;
    this.#items = [];
    this.#itemChars = 0;
  }

  #endLater(): void {
    if (this.#later.length === 0) return;
    const later = this.#later;
    this.#parts.push(() => checkpointText(later.map((item) => JSON.stringify(item()))));
    this.chars += this.#laterChars;
    this.#later = [];
    this.#laterChars = 0;
  }
}
