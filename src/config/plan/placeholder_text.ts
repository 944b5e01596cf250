import type { Placeholder, Template } from "../../model/mod.ts";

/** Code points of the private use area that stand around a placeholder's number; no exchange's message holds them. */
const OPEN = "\uE000";
const CLOSE = "\uE001";
const MARK = /"?\uE000(\d+)\uE001"?/g;

/**
 * Templates as plain text and back, so that JSON with open placeholders can be taken apart: a placeholder is a numbered mark, in
 * quotes where it does not stand inside a string already. Equal placeholders have equal marks.
 */
export class PlaceholderText {
  readonly #placeholders: Placeholder[] = [];
  readonly #numbers = new Map<string, number>();

  /** The template's text with marks. */
  textOf(template: Template): string {
    return template.parts.map((part) => typeof part === "string" ? part : this.#mark(part)).join("");
  }

  /** The template that a text with marks stands for. */
  templateOf(text: string): Template {
    const parts: (string | Placeholder)[] = [];
    let end = 0;
    for (const match of text.matchAll(MARK)) {
      const placeholder = this.#placeholders[Number(match[1])];
      // Inside a string a quote beside the mark is the string's own.
      const start = placeholder.inString ? match.index + match[0].indexOf(OPEN) : match.index;
      if (start > end) parts.push(text.slice(end, start));
      parts.push(placeholder);
      end = placeholder.inString ? match.index + match[0].indexOf(CLOSE) + 1 : match.index + match[0].length;
    }
    if (end < text.length) parts.push(text.slice(end));
    return { source: this.#sourceOf(parts), parts };
  }

  #mark(placeholder: Placeholder): string {
    const key = JSON.stringify([placeholder.kind, placeholder.key, placeholder.value, placeholder.inString]);
    const number = this.#numbers.get(key) ?? this.#placeholders.length;
    if (number === this.#placeholders.length) {
      this.#numbers.set(key, number);
      this.#placeholders.push(placeholder);
    }
    const mark = `${OPEN}${number}${CLOSE}`;
    return placeholder.inString ? mark : `"${mark}"`;
  }

  #sourceOf(parts: readonly (string | Placeholder)[]): string {
    return parts.map((part) =>
      typeof part === "string" ? part : `{${part.key === null ? part.kind : `${part.kind}:${part.key}`}}`
    ).join("");
  }
}

/**
 * Most bytes that each kind of placeholder is filled with; an `env` placeholder's value is known, others are guessed
 * generously.
 */
const PLACEHOLDER_BYTES: Readonly<Record<Placeholder["kind"], number>> = {
  id: 10,
  now_ms: 13,
  now_s: 10,
  uuid: 36,
  capture: 64,
  boot: 256,
  env: 64,
};

/** How many bytes a template takes when it is sent; placeholders are reckoned at their longest. */
export function templateBytes(template: Template): number {
  const encoder = new TextEncoder();
  return template.parts.reduce((sum, part) => {
    if (typeof part === "string") return sum + encoder.encode(part).length;
    return sum + (part.value === null ? PLACEHOLDER_BYTES[part.kind] : encoder.encode(part.value.reveal()).length);
  }, 0);
}
