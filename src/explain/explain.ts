import { JsonDocument, NOT_FOUND } from "../json/mod.ts";
import type { ControlSignal, FramePlan, Micros } from "../model/mod.ts";
import {
  ControlReader,
  decodePayload,
  findAlias,
  FrameMemory,
  layOut,
  type NormalizedFrame,
  Normalizer,
  ReadContext,
  RowList,
  Unwrapper,
} from "../normalize/mod.ts";
import {
  type CompiledAlias,
  type CompiledControl,
  type CompiledEvent,
  type CompiledExpression,
  type CompiledField,
  type CompiledFrames,
  type CompiledPredicate,
  type CompiledState,
  compileFrames,
  type ExplainedTest,
} from "../program/mod.ts";
import { explainField, explainSource, shortened } from "./explain_field.ts";
import type { ExplainedField, ExplainedRow, ExplainedRule, ExplainInput, FrameExplanation } from "./explanation.ts";

const RECEIVED_TS: Micros = 0;
/** Rows of one rule that are explained; a frame may have thousands. */
const ROWS_MAX = 20;

/** Explains what a descriptor makes of one frame, by the very rules that read it. Pure and total. */
export function explainFrame(frames: FramePlan, input: ExplainInput): FrameExplanation {
  const plan = compileFrames(frames);
  const { origin, payload } = input;
  const normalizer = new Normalizer(frames);
  const memory = new FrameMemory();
  for (const frame of input.before ?? []) readBy(normalizer, { ...input, payload: frame }, memory);
  // As it was before the frame, which may change what ids stand for.
  const before = new FrameMemory();
  for (const [part, entries] of memory.parts()) before.restore(part, entries);
  const { rule, signal, events, faults, unmapped } = readBy(normalizer, input, memory);
  const result = { rule, signal, events: [...events], faults: [...faults], unmapped: [...unmapped] };

  const decoding = origin.kind === "ws" ? plan.decode.get(origin.connectionId) ?? "text" : "text";
  const bytes = decodePayload(payload, decoding, origin.kind === "ws" && origin.binary);
  const text = bytes === null ? null : new TextDecoder().decode(bytes);
  const context = new ReadContext(new JsonDocument(), before);
  const layout = (origin.kind === "ws" ? plan.layouts.get(origin.connectionId) : undefined) ?? "document";
  const isJson = bytes !== null && context.document.parse(layOut(bytes, layout).bytes);
  context.begin(bytes ?? payload);
  context.hasSession = true;
  if (isJson && plan.aliasKey !== null) context.scope.route = findAlias(context, plan.aliasKey);
  const explainer = new RuleExplainer({ plan, origin, context, text, isJson, signal });
  return { decoding, layout, text, rules: explainer.rules(), result };
}

function readBy(normalizer: Normalizer, { origin, payload }: ExplainInput, memory: FrameMemory): NormalizedFrame {
  if (origin.kind === "ws") {
    const { connectionId, binary } = origin;
    return normalizer.read({ connectionId, payload, binary, receivedTs: RECEIVED_TS }, memory);
  }
  const { request, native } = origin;
  return normalizer.readHttp({ hasSession: true, request, native, body: payload, receivedTs: RECEIVED_TS }, memory);
}

class RuleExplainer {
  readonly #plan: CompiledFrames;
  readonly #origin: ExplainInput["origin"];
  #context: ReadContext;
  readonly #text: string | null;
  readonly #isJson: boolean;
  readonly #signal: ControlSignal | null;

  constructor(
    options: {
      plan: CompiledFrames;
      origin: ExplainInput["origin"];
      context: ReadContext;
      text: string | null;
      isJson: boolean;
      signal: ControlSignal | null;
    },
  ) {
    this.#plan = options.plan;
    this.#origin = options.origin;
    this.#context = options.context;
    this.#text = options.text;
    this.#isJson = options.isJson;
    this.#signal = options.signal;
  }

  rules(): readonly ExplainedRule[] {
    return [
      ...this.#plan.controls.map((rule, index) => this.#control(rule, index)),
      ...this.#plan.events.map((rule) => this.#event(rule)),
    ];
  }

  #control(rule: CompiledControl, index: number): ExplainedRule {
    const about = {
      type: "control" as const,
      name: rule.name,
      does: rule.action,
      connections: rule.connections === null ? null : [...rule.connections],
      source: "ws",
      notes: rule.alias === null ? [] : [aliasNote(rule.alias)],
      rowsSource: rule.rows?.source ?? "",
    };
    if (!this.#applies(rule.connections, "ws")) return { ...about, outcome: "elsewhere", tests: [], rows: [] };
    const { tests, holds } = rule.text !== null ? this.#textTest(rule.text) : this.#when(rule.when);
    if (holds === null) return { ...about, outcome: "untested", tests, rows: [] };
    if (!holds) return { ...about, outcome: "fails", tests, rows: [] };
    if (rule.where !== null && this.#isJson && !new ControlReader(rule, index).applies(this.#context)) {
      return { ...about, outcome: "fails", tests: [...tests, ...this.#rowTests(rule, rule.where)], rows: [] };
    }
    const isTaken = this.#signal?.ruleIndex === index;
    const rows = isTaken && this.#isJson ? [this.#controlRow(rule)] : [];
    return { ...about, outcome: isTaken ? "taken" : "shadowed", tests, rows };
  }

  /** The tests of a predicate on the first row that a control rule looks at. */
  #rowTests(rule: CompiledControl, where: CompiledPredicate): readonly ExplainedTest[] {
    const list = new RowList();
    if (rule.rows !== null) {
      list.collect(this.#context.document, rule.rows, 0);
      if (list.rows.length === 0) return [{ test: `rows ${rule.rows.source}`, found: "none", holds: false }];
    }
    this.#context.atRow(list.rows[0] ?? 0, list.parents[0] ?? 0);
    const tests = where.explain(this.#context.scope).map((one) => ({ ...one, test: `row: ${one.test}` }));
    this.#context.atRoot();
    return tests;
  }

  #event(rule: CompiledEvent): ExplainedRule {
    const about = {
      type: "event" as const,
      name: rule.name,
      does: rule.kind,
      connections: rule.connections === null ? null : [...rule.connections],
      source: rule.source,
      notes: eventNotes(rule),
      rowsSource: rule.rows.source,
    };
    if (!this.#applies(rule.connections, rule.source)) return { ...about, outcome: "elsewhere", tests: [], rows: [] };
    const { tests, holds } = this.#when(rule.when);
    if (holds === null) return { ...about, outcome: "untested", tests, rows: [] };
    if (!holds) return { ...about, outcome: "fails", tests, rows: [] };
    if (this.#signal !== null) return { ...about, outcome: "shadowed", tests, rows: [] };
    return { ...about, outcome: "taken", tests, rows: this.#eventRows(rule) };
  }

  #applies(connections: ReadonlySet<string> | null, source: string): boolean {
    if (this.#origin.kind === "http") return source === this.#origin.request;
    return source === "ws" && (connections === null || connections.has(this.#origin.connectionId));
  }

  #textTest(text: string): { readonly tests: readonly ExplainedTest[]; readonly holds: boolean } {
    const holds = this.#text === text;
    const found = this.#text === null ? "missing" : shortened(this.#text);
    return { tests: [{ test: `text = ${JSON.stringify(text)}`, found, holds }], holds };
  }

  /** `holds` is null where there is no JSON to test. */
  #when(when: CompiledPredicate | null): { readonly tests: readonly ExplainedTest[]; readonly holds: boolean | null } {
    if (!this.#isJson || when === null) return { tests: [], holds: null };
    this.#context.atRoot();
    return { tests: when.explain(this.#context.scope), holds: when.test(this.#context.scope) };
  }

  #controlRow(rule: CompiledControl): ExplainedRow {
    this.#context.atRoot();
    const { scope, document } = this.#context;
    const named: readonly (readonly [string, CompiledExpression | null])[] = [
      ["correlation", rule.correlation],
      ["reason", rule.reason],
      ["capture", rule.capture],
      ...rule.captures.map(([name, one]) => [`capture ${name}`, one] as const),
    ];
    const fields = named.flatMap(([name, source]) => source === null ? [] : [explainSource(name, source, scope)]);
    return { source: shortened(document.source(0)), tests: [], fields: [...fields, ...this.#echoFields(rule)] };
  }

  #echoFields(rule: CompiledControl): readonly ExplainedField[] {
    const context = this.#context;
    if (rule.rows === null) return rule.echo.map((source) => explainSource("echo", source, context.scope));
    const list = new RowList();
    list.collect(context.document, rule.rows, 0);
    return list.rows.slice(0, ROWS_MAX).flatMap((row, i) => {
      context.atRow(row, list.parents[i]);
      return rule.echo.map((source) => explainSource(`echo of row ${i}`, source, context.scope));
    });
  }

  #eventRows(rule: CompiledEvent): readonly ExplainedRow[] {
    const frame = this.#context;
    const context = rule.unwrap === null ? frame : new Unwrapper(rule.unwrap, rule.name).open(frame);
    if (context === null) return [];
    this.#context = context;
    const rows = this.#rowsOf(rule, context);
    this.#context = frame;
    return rows;
  }

  #rowsOf(rule: CompiledEvent, context: ReadContext): readonly ExplainedRow[] {
    context.atRoot();
    const list = new RowList();
    list.collect(context.document, rule.rows, 0);
    return list.rows.slice(0, ROWS_MAX).map((row, i) => {
      context.atRow(row, list.parents[i]);
      const source = shortened(context.document.source(row));
      const tests = rule.where === null ? [] : rule.where.explain(context.scope);
      if (rule.where !== null && !rule.where.test(context.scope)) return { source, tests, fields: [] };
      return { source, tests, fields: this.#eventFields(rule) };
    });
  }

  #eventFields(rule: CompiledEvent): readonly ExplainedField[] {
    const fields: (readonly [string, CompiledField | null])[] = [
      ["symbol", rule.symbol],
      ["exchange_ts", rule.exchangeTs],
      ...rule.fields,
    ];
    const explained = fields.flatMap(([name, field]) => field === null ? [] : [this.#field(name, field)]);
    return [...explained, ...this.#bookFields(rule)];
  }

  #field(name: string, rule: CompiledField): ExplainedField {
    const field = explainField(name, rule, this.#context);
    if (name !== "symbol" || typeof field.value !== "string") return field;
    return { ...field, steps: [...field.steps, this.#symbolStep(field.value)] };
  }

  #symbolStep(native: string): string {
    const maps = this.#origin.kind === "ws"
      ? [this.#plan.canonical.get(this.#origin.connectionId)]
      : [...this.#plan.canonical.values()];
    const canonical = maps.find((map) => map?.has(native))?.get(native);
    return canonical === undefined ? "not in the symbol map" : `symbol map → ${JSON.stringify(canonical)}`;
  }

  /** How many levels stand where, and whether they replace the book. */
  #bookFields(rule: CompiledEvent): readonly ExplainedField[] {
    if (rule.book === null) return [];
    const { document, scope } = this.#context;
    const { snapshot, bids, asks, levels } = rule.book;
    const list = new RowList();
    const counted = [["bids", bids], ["asks", asks], ["levels", levels]] as const;
    const fields = counted.flatMap(([name, rows]): readonly ExplainedField[] => {
      if (rows === null) return [];
      list.collect(document, rows, scope.row);
      const first = list.rows[0] ?? NOT_FOUND;
      const found = first === NOT_FOUND
        ? "no levels"
        : `${list.rows.length} ${list.rows.length === 1 ? "level" : "levels"} from ${
          shortened(document.source(first))
        }`;
      const value = String(list.rows.length);
      return [{ name, sources: [{ source: rows.source, found }], steps: [], value, faults: [] }];
    });
    const tests = typeof snapshot === "boolean" ? [] : snapshot.explain(scope);
    const holds = typeof snapshot === "boolean" ? snapshot : snapshot.test(scope);
    const sources = tests.map(({ test, found }) => ({ source: test, found }));
    return [{ name: "snapshot", sources, steps: [], value: String(holds), faults: [] }, ...fields];
  }
}

function aliasNote({ key, set }: CompiledAlias): string {
  if (set === null) return `forgets what ${key.source} stands for`;
  return `remembers for ${key.source}: ${[...set].map(([name, source]) => `${name} = ${source.source}`).join(", ")}`;
}

function stateNotes({ name, of, emit }: CompiledState): readonly string[] {
  return [
    ...(name.startsWith("rule ")
      ? []
      : [`what it knows is shared as ${name}: fields that it does not name come from there`]),
    ...(of === null ? [] : [`what is known of ${of.source} fills in too`]),
    ...(emit === "changed" ? ["an event that says nothing new is left out"] : []),
    ...(emit === "never" ? ["its rows are known to others and are no events"] : []),
  ];
}

function eventNotes({ unwrap, merge, skipFirstFrame, askedOnly }: CompiledEvent): readonly string[] {
  return [
    ...(unwrap === null ? [] : [`reads the text at ${unwrap.at.source}, ${unwrap.encoding}`]),
    ...(merge === null || merge.state?.partial === false
      ? []
      : ["fields that a row lacks are those last known of its symbol"]),
    ...(merge?.state == null ? [] : stateNotes(merge.state)),
    ...(merge?.start == null ? [] : [`nothing is said of a symbol before ${merge.start.source}`]),
    ...(askedOnly === true ? ["leaves out symbols that the instance is not configured for"] : []),
    ...(skipFirstFrame ? ["leaves out the first frame of each stream"] : []),
  ];
}
