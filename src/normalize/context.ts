import { type JsonDocument, type NodeId, NOT_FOUND } from "../json/mod.ts";
import { EXAMPLE_CHARS_MAX, type FaultCode, type OrderChange } from "../model/mod.ts";
import { type Scope, scopeOf } from "../program/mod.ts";
import type { FrameMemory } from "./frame_memory.ts";
import type { SymbolMap, SymbolPair } from "./symbols.ts";

/** What is wrong with a frame. The frame is kept; its other rows still become events. */
export interface Fault {
  readonly code: FaultCode;
  /** The rule and the pointer or expression concerned: `trade.price /p`. */
  readonly where: string;
  /** The beginning of the frame's text. */
  readonly example: string;
}

/** A checksum of a book in a frame of its own. */
export interface NormalizedChecksum {
  /** Name of the rule that read it. */
  readonly rule: string;
  readonly native_symbol: string;
  readonly checksum: string;
}

/** A book update that could not be read, or only in part: the book that follows is not the exchange's. */
export interface LostUpdate {
  /** Name of the rule that read it. */
  readonly rule: string;
  /** Empty where it could not be read. */
  readonly native_symbol: string;
  /** What was lost: `unknown_level book.asks /id`. */
  readonly detail: string;
}

/** The beginning of a payload as text, for people. */
export function exampleOf(payload: Uint8Array): string {
  return new TextDecoder().decode(payload.subarray(0, EXAMPLE_CHARS_MAX * 4)).slice(0, EXAMPLE_CHARS_MAX);
}

/** What the rules see of the frame being read, and where they put what is wrong with it. Reused for every frame. */
export class ReadContext {
  readonly document: JsonDocument;
  readonly scope: Scope;
  readonly faults: Fault[] = [];
  readonly checksums: NormalizedChecksum[] = [];
  readonly lostUpdates: LostUpdate[] = [];
  /** Names of the rules whose rows were noted for others and are no events. */
  readonly noted: string[] = [];
  /** Set when a field of the current row is at fault: the row yields nothing. */
  rowFailed = false;
  /** Whether the rows of a rule stood where they were looked for, if only as an empty list. */
  rowsFound = false;
  /** What of the current row was lost, in words; null while nothing was. */
  lost: string | null = null;
  /** What the frame's session remembers. */
  memory: FrameMemory;
  /** Whether the frame belongs to a session; rows of polls stand for themselves. */
  hasSession = false;
  /** Unmapped native symbols met for the first time in this frame. */
  readonly freshSymbols: string[] = [];
  /** Changes of single orders in the current row; null where it has none. */
  orders: readonly OrderChange[] | null = null;
  /** Native symbol of the current row; empty where it is not known. */
  native = "";
  #payload: Uint8Array = new Uint8Array(0);

  constructor(document: JsonDocument, memory: FrameMemory) {
    this.document = document;
    this.memory = memory;
    this.scope = scopeOf(document);
  }

  /** A new frame begins. */
  begin(payload: Uint8Array): void {
    this.#payload = payload;
    empty(this.faults);
    empty(this.checksums);
    empty(this.lostUpdates);
    empty(this.noted);
    empty(this.freshSymbols);
    this.rowFailed = false;
    this.rowsFound = false;
    this.lost = null;
    this.atRoot();
  }

  /** A document that stood inside the frame of another context begins; faults are told to that one afterwards. */
  beginInside(frame: ReadContext, text: Uint8Array): void {
    this.begin(text);
    this.memory = frame.memory;
    this.hasSession = frame.hasSession;
    this.scope.route = frame.scope.route;
    this.scope.listed = frame.scope.listed;
    this.scope.outer = frame.document;
  }

  /** Pointers start from the root. */
  atRoot(): void {
    this.scope.row = 0;
    this.scope.parent = 0;
  }

  /** Pointers start from a row. */
  atRow(row: NodeId, parent: NodeId): void {
    this.scope.row = row;
    this.scope.parent = parent === NOT_FOUND ? 0 : parent;
  }

  /** Returns the spellings of a native symbol; null, and a fault, where the session has met too many unmapped ones. */
  translate(symbols: SymbolMap, connectionId: string, native: string): SymbolPair | null {
    const pair = symbols.find(connectionId, native) ?? this.memory.unmapped.meet(native, this.freshSymbols);
    if (pair === null) this.fail("too_many_symbols", native.slice(0, EXAMPLE_CHARS_MAX));
    return pair;
  }

  /** Notes what is wrong with the current row; the same thing once a frame. */
  fail(code: FaultCode, where: string): void {
    this.rowFailed = true;
    this.lose(code, where);
  }

  /** Notes what is wrong with a part of the current row that is left out; the rest of the row stands. */
  lose(code: FaultCode, where: string): void {
    this.lost ??= `${code} ${where}`;
    this.note(code, where);
  }

  /** Notes what is wrong with the frame; the same thing once. */
  note(code: FaultCode, where: string): void {
    for (const fault of this.faults) if (fault.code === code && fault.where === where) return;
    this.faults.push({ code, where, example: exampleOf(this.#payload) });
  }
}

/** Empties a list. That it is empty already is the usual case, and setting a length costs more than to look. */
function empty(list: unknown[]): void {
  if (list.length > 0) list.length = 0;
}
