import { compilePath, JsonDocument } from "../../json/mod.ts";
import { ECHO_SEPARATOR } from "../../model/mod.ts";
import { type CompiledExpression, scopeOf, type Value } from "../../program/mod.ts";

/** Key of an element of a message; null if a source gives nothing, which `missing` names. */
export interface Echo {
  readonly key: string | null;
  readonly missing: string | null;
}

/**
 * The key of a subscribed item: what its acknowledgement will echo, read off the message that subscribes to it.
 * `element` leads to the item in the message. Without expressions nothing is echoed.
 */
export function echoKey(text: string, element: readonly string[], expressions: readonly CompiledExpression[]): Echo {
  if (expressions.length === 0) return { key: null, missing: null };
  const document = new JsonDocument();
  if (!document.parse(new TextEncoder().encode(text))) return { key: null, missing: expressions[0].source };
  const scope = scopeOf(document, document.find(compilePath(element), 0));
  const parts: string[] = [];
  for (const expression of expressions) {
    const part = scalarText(expression.evaluate(scope), document);
    if (part === null) return { key: null, missing: expression.source };
    parts.push(part);
  }
  return { key: parts.join(ECHO_SEPARATOR), missing: null };
}

/** As the reader of acknowledgements sees a value: the text of a scalar, nothing for a container. */
function scalarText(value: Value, document: JsonDocument): string | null {
  if (typeof value === "number") return document.text(value);
  return value === null ? null : String(value);
}
