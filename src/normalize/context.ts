import { type JsonDocument, type NodeId, NOT_FOUND } from "../json/mod.ts";
import { EXAMPLE_CHARS_MAX, type FaultCode, type OrderChange } from "../model/mod.ts";
import { type Scope, scopeOf } from "../program/mod.ts";
import type { FrameMemory } from "./frame_memory.ts";
import type { SymbolMap, SymbolPair } from "./symbols.ts";

/** A fault of a frame. The frame is kept; its other rows still become events. */
export interface Fault {
  readonly code: FaultCode;
  /** The rule and the pointer or expression concerned: `trade.price /p`. */
  readonly where: string;
  /** The beginning of the frame's text. */
  readonly example: string;
}

/** A checksum of a book, sent in a frame of its own. */
export interface NormalizedChecksum {
  /** Name of the rule that read it. */
  readonly rule: string;
  readonly native_symbol: string;
  readonly checksum: string;
}

/** A book update that could not be read, or only in part, so that the book is no longer that of the exchange. */
export interface LostUpdate {
  /** Name of the rule that read it. */
  readonly rule: string;
  /** Empty if it could not be read. */
  readonly native_symbol: string;
  /** What was lost: `unknown_level book.asks /id`. */
  readonly detail: string;
}

/** Returns the beginning of a payload as text, for people. */
export function exampleOf(payload: Uint8Array): string {
  return new TextDecoder().decode(payload.subarray(0, EXAMPLE_CHARS_MAX * 4)).slice(0, EXAMPLE_CHARS_MAX);
}

/** State of reading one frame: what rules read from, and the faults they report. Reused for every frame. */
export class ReadContext {
  readonly document: JsonDocument;
  readonly scope: Scope;
  readonly faults: Fault[] = [];
  readonly checksums: NormalizedChecksum[] = [];
  readonly lostUpdates: LostUpdate[] = [];
  /** Names of the rules whose rows updated a shared state and emitted no event. */
  readonly noted: string[] = [];
  /** Set by a fault of a field of the current row: the row emits nothing. */
  rowFailed = false;
  /** Whether the frame has the list of rows that a rule reads, even if it is empty. */
  rowsFound = false;
  /** Text of the first fault of the current row; null if there is none. */
  lost: string | null = null;
  /** Memory of the frame's session. */
  memory: FrameMemory;
  /** Whether the frame belongs to a session. Rows of polls do not, and are not merged. */
  hasSession = false;
  /** Unmapped native symbols that first occurred in this frame. */
  readonly freshSymbols: string[] = [];
  /** Changes of single orders in the current row; null if the rule reads levels. */
  orders: readonly OrderChange[] | null = null;
  /** Native symbol of the current row; empty if it is unknown. */
  native = "";
  #payload: Uint8Array = new Uint8Array(0);

  constructor(document: JsonDocument, memory: FrameMemory) {
    this.document = document;
    this.memory = memory;
    this.scope = scopeOf(document);
  }

  /** Begins a new frame. */
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

  /** Begins a document embedded in the frame of another context, which takes over the faults afterwards. */
  beginInside(frame: ReadContext, text: Uint8Array): void {
    this.begin(text);
    this.memory = frame.memory;
    this.hasSession = frame.hasSession;
    this.scope.route = frame.scope.route;
    this.scope.listed = frame.scope.listed;
    this.scope.outer = frame.document;
  }

  /** Makes pointers start from the root. */
  atRoot(): void {
    this.scope.row = 0;
    this.scope.parent = 0;
  }

  /** Makes pointers start from a row. */
  atRow(row: NodeId, parent: NodeId): void {
    this.scope.row = row;
    this.scope.parent = parent === NOT_FOUND ? 0 : parent;
  }

  /** Returns the spellings of a native symbol; null, with a fault, if the session has too many unmapped ones. */
  translate(symbols: SymbolMap, connectionId: string, native: string): SymbolPair | null {
    const pair = symbols.find(connectionId, native) ?? this.memory.unmapped.meet(native, this.freshSymbols);
    if (pair === null) this.fail("too_many_symbols", native.slice(0, EXAMPLE_CHARS_MAX));
    return pair;
  }

  /** Reports a fault of the current row, which then emits nothing. Equal faults of a frame are reported once. */
  fail(code: FaultCode, where: string): void {
    this.rowFailed = true;
    this.failPart(code, where);
  }

  /** Reports a fault of a part of the current row, which is left out; the rest of the row is emitted. */
  failPart(code: FaultCode, where: string): void {
    this.lost ??= `${code} ${where}`;
    this.note(code, where);
  }

  /** Reports a fault of the frame, equal ones once. */
  note(code: FaultCode, where: string): void {
    for (const fault of this.faults) if (fault.code === code && fault.where === where) return;
    this.faults.push({ code, where, example: exampleOf(this.#payload) });
  }
}

/** Empties a list. Most are empty already, and checking costs less than setting the length. */
function empty(list: unknown[]): void {
  if (list.length > 0) list.length = 0;
}
