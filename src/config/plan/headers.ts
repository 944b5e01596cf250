import { renderTemplate } from "../../model/mod.ts";
import { templateOf } from "./compile.ts";
import type { Place } from "./place.ts";
import type { Texts } from "./texts.ts";

/** HTTP headers with arguments and environment values in place. They are sent and never shown. */
export function buildHeaders(
  headers: Readonly<Record<string, string>>,
  context: { readonly place: Place; readonly texts: Texts },
): Readonly<Record<string, string>> {
  const { place, texts } = context;
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, text]) => {
      const template = templateOf(text, place.at(name), { ...texts.scope, holes: ["env"] });
      return template === null ? [] : [[name, renderTemplate(template, {})] as const];
    }),
  );
}
