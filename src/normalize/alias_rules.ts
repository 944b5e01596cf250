import type { CompiledAlias, CompiledExpression } from "../program/mod.ts";
import type { Alias } from "./aliases.ts";
import type { ReadContext } from "./context.ts";
import { expressionText } from "./field.ts";

/** Returns the alias of the id in a frame; null if the frame has no id or the session does not know it. */
export function findAlias(context: ReadContext, key: CompiledExpression): Alias | null {
  if (!context.hasSession) return null;
  const id = expressionText(context, key);
  return id === null ? null : context.memory.aliases.find(id);
}

/** Applies the alias rule of a control rule to a frame. Ignores a frame without the id. */
export function applyAliasRule(rule: CompiledAlias, context: ReadContext): void {
  const id = expressionText(context, rule.key);
  if (id === null || !context.hasSession) return;
  if (rule.set === null) return context.memory.aliases.set(id, null);
  const alias = new Map<string, string>();
  for (const [name, expression] of rule.set) {
    const text = expressionText(context, expression);
    if (text !== null) alias.set(name, text);
  }
  context.memory.aliases.set(id, alias);
}
