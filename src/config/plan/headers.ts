import { renderTemplate, Secret } from "../../model/mod.ts";
import { templateOf } from "./compile.ts";
import type { Place } from "./place.ts";
import type { Texts } from "./texts.ts";

/** HTTP headers with arguments in place. One that holds an environment value is a `Secret` as a whole. */
export function buildHeaders(
  headers: Readonly<Record<string, string>>,
  context: { readonly place: Place; readonly texts: Texts },
): Readonly<Record<string, string | Secret>> {
  const { place, texts } = context;
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, text]): readonly (readonly [string, string | Secret])[] => {
      const template = templateOf(text, place.at(name), { ...texts.scope, holes: ["env"] });
      if (template === null) return [];
      const value = renderTemplate(template, {});
      const variable = template.parts.find((part) => typeof part !== "string" && part.kind === "env");
      if (variable === undefined || typeof variable === "string") return [[name, value] as const];
      return [[name, new Secret(variable.key ?? name, value)] as const];
    }),
  );
}
