import type { Secret } from "./secret.ts";

/** A part of a template that is filled when the text is sent. */
export interface Placeholder {
  /**
   * `id`: counter of requests on this connection, from 1. `now_ms`, `now_s`: wall clock. `uuid`: a random UUID v4.
   * `capture`: what a control rule captured. `boot`: a value of the bootstrap reply, named by `key`. `env`: an
   * environment variable, whose value is in `value` and never printed.
   */
  readonly kind: "id" | "now_ms" | "now_s" | "uuid" | "capture" | "boot" | "env";
  readonly key: string | null;
  /** The value of an `env` placeholder; null for the others. */
  readonly value: Secret | null;
  /** Whether it is inside a JSON string, so that its value must be escaped. */
  readonly inString: boolean;
}

/** Text with placeholders. `source` is what the user wrote, with symbols and arguments already in place. */
export interface Template {
  readonly source: string;
  readonly parts: readonly (string | Placeholder)[];
}

/** Values for the placeholders of a template. */
export interface TemplateValues {
  readonly id?: number;
  readonly nowMs?: number;
  readonly uuid?: () => string;
  readonly capture?: string;
  /** Captured values by name; empty text for one that the frame lacked. */
  readonly captures?: Readonly<Record<string, string>>;
  readonly boot?: Readonly<Record<string, string>>;
}

/** Escapes text for the inside of a JSON string, without the quotes around it. */
export function escapeJsonText(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Fills a template. Throws if the value of a placeholder is not given: that is a bug of the caller. */
export function renderTemplate(template: Template, values: TemplateValues): string {
  let text = "";
  for (const part of template.parts) {
    if (typeof part === "string") {
      text += part;
      continue;
    }
    const value = placeholderValue(part, values);
    if (value === null) throw new Error(`No value for {${describePlaceholder(part)}} in template: ${template.source}`);
    text += part.inString ? escapeJsonText(value) : value;
  }
  return text;
}

/** Returns a placeholder as it is written: `now_ms`, `env:KEY`. */
export function describePlaceholder(placeholder: Placeholder): string {
  return placeholder.key === null ? placeholder.kind : `${placeholder.kind}:${placeholder.key}`;
}

/** Returns the template for people: placeholders are shown by name, so no environment value appears. */
export function showTemplate(template: Template): string {
  return template.parts.map((part) => typeof part === "string" ? part : `{${describePlaceholder(part)}}`).join("");
}

/** Returns a request for people, with `id` filled in; other placeholders are shown by name. */
export function showRequest(template: Template, id: number): string {
  return template.parts.map((part) =>
    typeof part === "string" ? part : part.kind === "id" ? String(id) : `{${describePlaceholder(part)}}`
  ).join("");
}

/** Fills a template for people: environment values, however short, are shown by name. */
export function renderShown(template: Template, values: TemplateValues): string {
  const parts = template.parts.map((part) =>
    typeof part !== "string" && part.kind === "env" ? `{${describePlaceholder(part)}}` : part
  );
  return renderTemplate({ source: template.source, parts }, values);
}

function placeholderValue(placeholder: Placeholder, values: TemplateValues): string | null {
  switch (placeholder.kind) {
    case "id":
      return values.id === undefined ? null : String(values.id);
    case "now_ms":
      return values.nowMs === undefined ? null : String(values.nowMs);
    case "now_s":
      return values.nowMs === undefined ? null : String(Math.floor(values.nowMs / 1000));
    case "uuid":
      return values.uuid === undefined ? null : values.uuid();
    case "capture":
      if (placeholder.key === null) return values.capture ?? null;
      return values.captures === undefined ? null : values.captures[placeholder.key] ?? "";
    case "boot":
      return values.boot?.[placeholder.key ?? ""] ?? null;
    case "env":
      return placeholder.value === null ? null : placeholder.value.reveal();
  }
}
