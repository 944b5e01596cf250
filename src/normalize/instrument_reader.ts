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
/** Status of an instrument that its list has no more. */
const UNLISTED = "unlisted";

/** What an instance tells of its instruments: all where `asked` is null, else canonical symbols and native spellings. */
export interface ToldInstruments {
  readonly asked: ReadonlyMap<string, string> | null;
  readonly known: KnownInstruments;
  readonly receivedTs: Micros;
}

/** Reads one field of a row. */
interface FieldOf {
  readonly name: string;
  readonly type: FieldType;
  /** Null where the rule does not name it. */
  readonly reader: FieldReader | null;
}

/** Turns the pages of an instrument list into events: for each instrument one that says something new, and one a day. */
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

  /** Appends the events of a page, and those of instruments that the list has no more where it is the last page. */
  read(context: ReadContext, told: ToldInstruments, events: FrameEvents): void {
    const list = new RowList();
    list.collect(context.document, this.#rows, 0);
    if (list.found) context.rowsFound = true;
    list.rows.forEach((row, index) => {
      context.atRow(row, list.parents[index]);
      this.#readRow(context, told, events, index);
    });
    context.atRoot();
    const cursor = this.#next === null ? null : expressionText(context, this.#next);
    // A page without rows is an answer of another kind: it says nothing of what is missing in it.
    if ((cursor === null || cursor === "") && list.rows.length > 0) this.#tellGone(told, events, list.rows.length);
  }

  #readRow(context: ReadContext, told: ToldInstruments, events: FrameEvents, row: number): void {
    const { asked, known } = told;
    const canonical = expressionText(context, this.#canonical);
    const native = expressionText(context, this.#native);
    if (canonical === null || native === null) return;
    const before = known.find(canonical);
    const isAsked = asked === null || asked.has(canonical);
    if (!isAsked && before === null) return;
    const isListed = this.#where === null || this.#where.test(context.scope);
    // A row that the list's own filter leaves out may spell another instrument the same way.
    if (!isListed && (before?.native ?? asked?.get(canonical)) !== native) return;
    known.meet(canonical);
    if (isAsked || !isListed) {
      context.rowFailed = false;
      const fields = this.#fieldsOf(context, canonical);
      this.#tell({
        canonical,
        native,
        fields: isListed || fields.status !== null ? fields : { ...fields, status: UNLISTED },
      }, {
        told,
        events,
        context,
        row,
      });
    }
    if (!isAsked) known.forget(canonical);
  }

  #tellGone(told: ToldInstruments, events: FrameEvents, rows: number): void {
    const { known, asked } = told;
    for (const [canonical, { native, fields }] of known.endList(this.#name)) {
      this.#tell({ canonical, native, fields: { ...fields, status: UNLISTED } }, {
        told,
        events,
        context: null,
        row: rows,
      });
      if (asked !== null && !asked.has(canonical)) known.forget(canonical);
    }
  }

  /** Appends an event where it says something new, or is the first of its day. */
  #tell(
    { canonical, native, fields }: {
      readonly canonical: string;
      readonly native: string;
      readonly fields: InstrumentFields;
    },
    { told: { known, receivedTs }, events, context, row }: {
      readonly told: ToldInstruments;
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
    // What has left its list is told once.
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
      // A value at fault is noted and missing; the rest of the row stands.
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

/** The fields that follow from a canonical symbol, where the list does not give them. */
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
