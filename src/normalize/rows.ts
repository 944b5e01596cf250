import { type JsonDocument, type NodeId, NOT_FOUND } from "../json/mod.ts";
import type { CompiledRows } from "../program/mod.ts";

/** The rows that a fan-out found, in order, each with the row one step further out. Reused. */
export class RowList {
  readonly rows: NodeId[] = [];
  readonly parents: NodeId[] = [];
  /** Whether something stood where the rows were looked for, if only an empty list. */
  found = false;

  /**
   * Fans out from a node. An array gives its elements, and an object whose members are all objects, a table by key, gives
   * those; anything else but null where an array was expected counts as its only element; what is missing gives no rows.
   * Where one fan-out follows another at once, an object of arrays is such a table too; so is one of a single array, where single
   * values stand beside it.
   */
  collect(document: JsonDocument, rule: CompiledRows, from: NodeId): void {
    this.rows.length = 0;
    this.parents.length = 0;
    this.found = false;
    if (rule.steps.length === 0) {
      this.#push(document, rule, from, from);
      return;
    }
    this.#expand(document, rule, 0, from);
  }

  #expand(document: JsonDocument, rule: CompiledRows, depth: number, from: NodeId): void {
    const found = document.find(rule.steps[depth], from);
    if (found === NOT_FOUND) return;
    const kind = document.kind(found);
    if (kind === "null") return;
    this.found = true;
    const ofLists = rule.steps[depth + 1]?.segments.length === 0 && holdsLists(document, found);
    if (kind !== "array" && !isTable(document, found) && !ofLists) {
      this.#descend(document, rule, depth, found, from);
      return;
    }
    for (let element = document.firstChild(found); element !== NOT_FOUND; element = document.next(element)) {
      if (!ofLists || document.kind(element) === "array") this.#descend(document, rule, depth, element, from);
    }
  }

  #descend(document: JsonDocument, rule: CompiledRows, depth: number, element: NodeId, from: NodeId): void {
    if (depth + 1 < rule.steps.length) this.#expand(document, rule, depth + 1, element);
    else this.#push(document, rule, element, from);
  }

  #push(document: JsonDocument, rule: CompiledRows, element: NodeId, parent: NodeId): void {
    const row = rule.tail === null ? element : document.find(rule.tail, element);
    if (row === NOT_FOUND) return;
    this.found = true;
    this.rows.push(row);
    this.parents.push(parent);
  }
}

/** Whether a node is an object of nothing but objects: rows by key. */
function isTable(document: JsonDocument, node: NodeId): boolean {
  if (document.kind(node) !== "object") return false;
  for (let member = document.firstChild(node); member !== NOT_FOUND; member = document.next(member)) {
    if (document.kind(member) !== "object") return false;
  }
  return true;
}

/** Whether a node is an object of nothing but arrays, or of a single one beside single values: lists of rows by key. */
function holdsLists(document: JsonDocument, node: NodeId): boolean {
  if (document.kind(node) !== "object") return false;
  let [lists, others] = [0, 0];
  for (let member = document.firstChild(node); member !== NOT_FOUND; member = document.next(member)) {
    const kind = document.kind(member);
    if (kind === "object") return false;
    if (kind === "array") lists++;
    else others++;
  }
  return lists === 1 || (lists > 0 && others === 0);
}
