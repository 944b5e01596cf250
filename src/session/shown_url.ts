import { renderTemplate, type Template, type TemplateValues } from "../model/mod.ts";

/**
 * A URL as it may be shown and recorded: environment values, and bootstrap values within the query (tokens), stay
 * hidden behind their names. What the bootstrap gives before the query is the address and is shown.
 */
export function showUrl(template: Template, values: TemplateValues): string {
  let inQuery = false;
  const parts = template.parts.map((part) => {
    if (typeof part === "string") {
      inQuery ||= part.includes("?");
      return part;
    }
    const hidden = part.kind === "env" || (part.kind === "boot" && inQuery);
    return hidden ? `{${part.kind}:${part.key}}` : part;
  });
  return renderTemplate({ source: template.source, parts }, values);
}

/** An error's text with the values that must not be shown replaced by their names. */
export function hideSecrets(text: string, template: Template, values: TemplateValues): string {
  let shown = text;
  for (const part of template.parts) {
    if (typeof part === "string") continue;
    const secret = part.kind === "env" ? part.value : part.kind === "boot" ? values.boot?.[part.key ?? ""] : null;
    if (secret) shown = shown.replaceAll(secret, `{${part.kind}:${part.key}}`);
  }
  return shown;
}
