import type { CompiledAlias, CompiledExpression } from "../program/mod.ts";
import type { Alias } from "./aliases.ts";
import type { ReadContext } from "./context.ts";
import { expressionText } from "./field.ts";

/** Returns what the id in a frame stands for in its session; null where the frame has no id or an unknown one. */
export function findAlias(context: ReadContext, key: CompiledExpression): Alias | null {
  if (!context.hasSession) return null;
  const id = expressionText(context, key);
  return id === null ? null : context.memory.aliases.find(id);
}

/** Sets or removes an alias as a control rule says of a frame. Ignores a frame without the id. */
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
