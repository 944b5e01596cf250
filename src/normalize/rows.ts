import { type JsonDocument, type NodeId, NOT_FOUND } from "../json/mod.ts";
import type { CompiledRows } from "../program/mod.ts";

/** The rows of a fan-out, in order, each with its parent row. Reused. */
export class RowList {
  readonly rows: NodeId[] = [];
  readonly parents: NodeId[] = [];
  /** Whether the document has the list of rows, even if it is empty. */
  found = false;

  /**
   * Fans out from a node. An array gives its elements; an object whose members are all objects (a table by key) gives
   * its members; anything else but null counts as the only element of a list; a missing value gives no rows. If another
   * fan-out follows directly, an object of arrays is a table too, and so is an object of a single array and scalars.
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

/** Whether all members of a node are objects: rows by key. */
function isTable(document: JsonDocument, node: NodeId): boolean {
  if (document.kind(node) !== "object") return false;
  for (let member = document.firstChild(node); member !== NOT_FOUND; member = document.next(member)) {
    if (document.kind(member) !== "object") return false;
  }
  return true;
}

/** Whether all members of a node are arrays, or a single one is and the others are scalars: lists of rows by key. */
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
