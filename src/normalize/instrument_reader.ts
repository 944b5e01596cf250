import {
  type CanonicalSymbol,
  EVENT_KINDS,
  fieldsOf,
  type FieldType,
  type InstrumentFields,
  type InstrumentListRule,
  type Micros,
  parseCanonicalSymbol,
} from "../model/mod.ts";
import {
  type CompiledExpression,
  type CompiledPredicate,
  type CompiledRows,
  compileExpression,
  compileField,
  compilePredicate,
  compileRows,
} from "../program/mod.ts";
import type { ReadContext } from "./context.ts";
import { expressionText, FieldReader } from "./field.ts";
import type { FrameEvents } from "./frame_events.ts";
import type { KnownInstruments } from "./known_instruments.ts";
import { RowList } from "./rows.ts";

const KIND = EVENT_KINDS.indexOf("instrument");
const FIELDS = fieldsOf("instrument");
const DAY_US = 24 * 3_600_000_000;
/** Status of an instrument that has left its list. */
const UNLISTED = "unlisted";

/**
 * Which instruments an instance emits: all if `asked` is null, otherwise those with these canonical and native
 * spellings.
 */
export interface EmittedInstruments {
  readonly asked: ReadonlyMap<string, string> | null;
  readonly known: KnownInstruments;
  readonly receivedTs: Micros;
}

/** Reads one field of a row. */
interface FieldOf {
  readonly name: string;
  readonly type: FieldType;
  /** Null if the rule does not name the field. */
  readonly reader: FieldReader | null;
}

/** Turns the pages of an instrument list into events: one per instrument when a field changes, and one a day. */
export class InstrumentReader {
  readonly #name: string;
  readonly #rows: CompiledRows;
  readonly #where: CompiledPredicate | null;
  readonly #native: CompiledExpression;
  readonly #canonical: CompiledExpression;
  readonly #next: CompiledExpression | null;
  readonly #fields: readonly FieldOf[];
  readonly #origin: { readonly channel: "instruments"; readonly name: string };

  constructor(rule: InstrumentListRule) {
    this.#name = rule.name;
    this.#rows = compileRows(rule.rows);
    this.#where = rule.where === null ? null : compilePredicate(rule.where);
    this.#native = compileExpression(rule.native);
    this.#canonical = compileExpression(rule.canonical);
    this.#next = rule.next === null ? null : compileExpression(rule.next.at);
    this.#fields = FIELDS.map(([name, { type }]) => {
      const field = rule.fields[name];
      return {
        name,
        type,
        reader: field === undefined ? null : new FieldReader(compileField(field), `${rule.name}.${name}`),
      };
    });
    this.#origin = { channel: "instruments", name: rule.name };
  }

  /** Appends the events of a page and, after the last page, those of instruments that have left the list. */
  read(context: ReadContext, emitted: EmittedInstruments, events: FrameEvents): void {
    const list = new RowList();
    list.collect(context.document, this.#rows, 0);
    if (list.found) context.rowsFound = true;
    list.rows.forEach((row, index) => {
      context.atRow(row, list.parents[index]);
      this.#readRow(context, emitted, events, index);
    });
    context.atRoot();
    const cursor = this.#next === null ? null : expressionText(context, this.#next);
    // A page without rows may be an answer of another kind, so it does not mean that all instruments have left.
    if ((cursor === null || cursor === "") && list.rows.length > 0) this.#emitGone(emitted, events, list.rows.length);
  }

  #readRow(context: ReadContext, emitted: EmittedInstruments, events: FrameEvents, row: number): void {
    const { asked, known } = emitted;
    const canonical = expressionText(context, this.#canonical);
    const native = expressionText(context, this.#native);
    if (canonical === null || native === null) return;
    const before = known.find(canonical);
    const isAsked = asked === null || asked.has(canonical);
    if (!isAsked && before === null) return;
    const isListed = this.#where === null || this.#where.test(context.scope);
    // A row that the list's filter excludes may have the canonical symbol of another instrument.
    if (!isListed && (before?.native ?? asked?.get(canonical)) !== native) return;
    known.meet(canonical);
    if (isAsked || !isListed) {
      context.rowFailed = false;
      const fields = this.#fieldsOf(context, canonical);
      this.#emit({
        canonical,
        native,
        fields: isListed || fields.status !== null ? fields : { ...fields, status: UNLISTED },
      }, {
        emitted,
        events,
        context,
        row,
      });
    }
    if (!isAsked) known.forget(canonical);
  }

  #emitGone(emitted: EmittedInstruments, events: FrameEvents, rows: number): void {
    const { known, asked } = emitted;
    for (const [canonical, { native, fields }] of known.endList(this.#name)) {
      this.#emit({ canonical, native, fields: { ...fields, status: UNLISTED } }, {
        emitted,
        events,
        context: null,
        row: rows,
      });
      if (asked !== null && !asked.has(canonical)) known.forget(canonical);
    }
  }

  /** Appends an event if a field has changed, or if it is the first of its day. */
  #emit(
    { canonical, native, fields }: {
      readonly canonical: string;
      readonly native: string;
      readonly fields: InstrumentFields;
    },
    { emitted: { known, receivedTs }, events, context, row }: {
      readonly emitted: EmittedInstruments;
      readonly events: FrameEvents;
      readonly context: ReadContext | null;
      readonly row: number;
    },
  ): void {
    const before = known.find(canonical);
    const day = Math.floor(receivedTs / DAY_US);
    const isSame = before !== null && before.native === native &&
      FIELDS.every(([name]) =>
        fields[name as keyof InstrumentFields] === before.fields[name as keyof InstrumentFields]
      );
    if (isSame && day <= before.day) return;
    // An instrument that has left its list is emitted once.
    if (isSame && fields.status === UNLISTED) return;
    if (!known.put(canonical, { list: this.#name, native, fields, day })) {
      context?.note("too_many_symbols", this.#name);
      return;
    }
    events.batch.begin(KIND);
    events.batch.addFields({ kind: "instrument", ...fields });
    events.close(this.#origin, { native, canonical }, null, null, row);
  }

  #fieldsOf(context: ReadContext, canonical: string): InstrumentFields {
    const values: Record<string, string | number | null> = {};
    for (const { name, type, reader } of this.#fields) {
      // A wrong value is a fault and becomes null; the rest of the row is emitted.
      values[name] = reader === null
        ? null
        : type === "micros"
        ? reader.micros(context)
        : type === "decimal"
        ? reader.decimal(context)
        : reader.text(context);
    }
    return { ...values, ...completed(values as unknown as InstrumentFields, parseCanonicalSymbol(canonical)) } as
      & InstrumentFields
      & typeof values;
  }
}

/** Returns the fields that the list does not give and that follow from the canonical symbol. */
function completed(fields: InstrumentFields, symbol: CanonicalSymbol | null): Partial<InstrumentFields> {
  if (symbol === null) return { type: fields.type ?? "unknown" };
  const { base, quote, settle, expiry, strike, optionType, family } = symbol;
  const type = family === "option" ? "option" : family === "spot" ? "spot" : expiry === null ? "perpetual" : "future";
  const contractSize = fields.contract_size ?? (family === "spot" ? "1" : null);
  const unit = family === "inverse" ? fields.quote ?? quote : fields.base ?? base;
  return {
    type: fields.type ?? type,
    base: fields.base ?? base,
    quote: fields.quote ?? quote,
    settle: fields.settle ?? settle,
    contract_size: contractSize,
    contract_unit: fields.contract_unit ?? (contractSize === null ? null : unit),
    strike_price: fields.strike_price ?? strike,
    option_type: fields.option_type ?? (optionType === null ? null : optionType === "C" ? "call" : "put"),
  };
}
