import type { CopiedKeeper } from "../book/mod.ts";
import { CHECKPOINT_PART_CHARS, type SessionId } from "../model/mod.ts";
import type { KeptBook } from "./books.ts";
import { type CheckpointItem, checkpointText, packLevels } from "./checkpoint.ts";

/** Characters that a level, and what else is said of a book, take in a checkpoint, about. */
const LEVEL_CHARS = 20;
const BOOK_CHARS = 600;
/** Characters that a list of entries which are written later takes, about. */
const LIST_CHARS = 32 * 1024;

/** A book as it was when it was saved, whatever has become of it since. */
class SavedBook {
  readonly #session: SessionId;
  readonly #kept: KeptBook;
  readonly #topSlot: number | null;
  readonly #gapId: string;
  #copied: CopiedKeeper | null = null;
  readonly #stopLooking: () => void;

  /** The levels are copied when they are written, or before they change if that is earlier. */
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

/** A part that is written when its turn comes, and not kept. */
type Part = () => string;

/**
 * The pipeline's memory at one record as texts of about CHECKPOINT_PART_CHARS, or of one item where that is longer. How
 * many there are is known at once; each is made when it is asked for, in time that its own length bounds, while the
 * pipeline goes on: a book is copied before it changes. Can be read once.
 */
export class SavedState {
  readonly #parts: Part[] = [];
  /** About how many characters all parts have together. */
  chars = 0;
  #items: string[] = [];
  #itemChars = 0;
  #later: (() => CheckpointItem)[] = [];
  #laterChars = 0;

  get length(): number {
    return this.#parts.length;
  }

  /** Adds an item, which is written at once. */
  add(item: CheckpointItem): void {
    this.#endLater();
    const text = JSON.stringify(item);
    if (this.#items.length > 0 && this.#itemChars + text.length > CHECKPOINT_PART_CHARS) this.#endItems();
    this.#items.push(text);
    this.#itemChars += text.length + 1;
  }

  /** Adds a book, which is written later. */
  addBook(session: SessionId, kept: KeptBook): void {
    const saved = new SavedBook(session, kept);
    this.#addLater(BOOK_CHARS + kept.keeper.book.size * LEVEL_CHARS, () => saved.item());
  }

  /** Adds a list of entries that never change, which is written later. */
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
