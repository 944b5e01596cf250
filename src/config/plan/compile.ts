import {
  type Parsed,
  parseExpression,
  parsePredicate,
  parseRows,
  parseSource,
  parseTemplate,
  type TemplateScope,
} from "../../lang/mod.ts";
import { describePlaceholder, type Expression, type Predicate, type Rows, type Template } from "../../model/mod.ts";
import type { PredicateValues } from "../schema_descriptor.ts";
import type { Place } from "./place.ts";

/** Read texts of a descriptor's languages and report their errors where the text stands; null after an error. */

/** Returns the compiled result, or reports its errors. `shift`: offset of the text in the value. */
export function accept<T>(parsed: Parsed<T>, place: Place, shift = 0): T | null {
  if (parsed.ok) return parsed.value;
  for (const error of parsed.errors) {
    place.error(error.message, { offset: error.offset + shift, length: error.length });
  }
  return null;
}

/** A pointer or an expression. */
export function sourceOf(text: string, place: Place): Expression | null {
  return accept(parseSource(text, place.definitions), place);
}

/** A list of sources; those that are wrong are reported and left out. */
export function sourcesOf(texts: readonly string[], place: Place): readonly Expression[] {
  return texts.flatMap((text, index) => sourceOf(text, place.at(index)) ?? []);
}

/** An expression that begins `shift` characters into the value. */
export function expressionOf(
  text: string,
  place: Place,
  options: { maxLength: number; shift: number },
): Expression | null {
  return accept(
    parseExpression(text, { maxLength: options.maxLength, definitions: place.definitions }),
    place,
    options.shift,
  );
}

/** A JSON pointer and nothing else. */
export function pointerOf(text: string, place: Place): Expression | null {
  if (text !== "" && !text.startsWith("/")) {
    place.error(`Not a JSON pointer: ${text}; it begins with / as in /${text}`);
    return null;
  }
  return sourceOf(text, place);
}

/** A fan-out pointer. */
export function rowsOf(text: string, place: Place): Rows | null {
  return accept(parseRows(text), place);
}

/** A condition. */
export function predicateOf(spec: PredicateValues, place: Place): Predicate | null {
  const parsed = parsePredicate(spec, place.definitions);
  if (parsed.ok) return parsed.value;
  for (const error of parsed.errors) {
    place.at(...error.path).error(error.message, { offset: error.offset, length: error.length });
  }
  return null;
}

/** A text with placeholders. */
export function templateOf(text: string, place: Place, scope: TemplateScope): Template | null {
  return accept(parseTemplate(text, scope), place);
}

/**
 * Returns the text of a template that is part of the plan and never sent. Reports placeholders that stay open, also those
 * of environment values, because plans are written down; then null.
 */
export function closedTextOf(text: string, place: Place, scope: Omit<TemplateScope, "placeholders">): string | null {
  const template = templateOf(text, place, { ...scope, placeholders: [] });
  if (template === null) return null;
  const closed = template.parts.filter((part) => typeof part === "string");
  if (closed.length === template.parts.length) return closed.join("");
  for (const part of template.parts) {
    if (typeof part === "string") continue;
    const written = `{${describePlaceholder(part)}}`;
    place.error(
      `${written} cannot be used here: the text becomes part of the plan, which the journal stores; use an argument`,
      {
        offset: text.indexOf(written),
        length: written.length,
      },
    );
  }
  return null;
}
