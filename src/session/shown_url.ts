import { type Placeholder, renderShown, Secrets, type Template, type TemplateValues } from "../model/mod.ts";
import type { BootValues } from "./bootstrap.ts";

/**
 * Returns the secrets of an attempt to connect: bootstrap values, shown by name. A value in the place of the address's
 * host is shown, without its user, password and query.
 */
export function secretsOfAttempt(parent: Secrets, template: Template, boot: BootValues): Secrets {
  const secrets = new Secrets(parent);
  const addresses = new Set(template.parts.filter((part, at) => isAddress(template, part, at)).map(keyOf));
  for (const [name, value] of Object.entries(boot)) {
    if (addresses.has(name)) secrets.addAddress(`{boot:${name}}`, value);
    else secrets.add(`{boot:${name}}`, value);
  }
  return secrets;
}

/** Returns a URL for logs and records: secrets are hidden by their place in the template, then by their value. */
export function showUrl(template: Template, values: TemplateValues, secrets: Secrets): string {
  const parts = template.parts.map((part, at) => {
    if (typeof part === "string") return part;
    return part.kind === "boot" && !isAddress(template, part, at) ? `{boot:${part.key}}` : part;
  });
  return secrets.hide(renderShown({ source: template.source, parts }, values));
}

/** Whether a bootstrap value is the host (with or without a scheme before it) or a whole address. */
function isAddress({ parts }: Template, part: string | Placeholder, at: number): boolean {
  if (typeof part === "string" || part.kind !== "boot") return false;
  const before = parts[at - 1] ?? "";
  const after = parts[at + 1] ?? "";
  const isFirst = at === 0 || (at === 1 && typeof before === "string" && /^\w+:\/\/$/.test(before));
  return isFirst && (typeof after !== "string" || !/^[^/?#]*@/.test(after));
}

function keyOf(part: string | Placeholder): string {
  return typeof part === "string" ? part : part.key ?? "";
}
