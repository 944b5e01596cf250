import type { Channel, Instrument, Template } from "../../model/mod.ts";
import { templateOf } from "./compile.ts";
import type { Place } from "./place.ts";
import { type Texts, withValues } from "./texts.ts";

/** Instruments and channels that REST requests serve; none on replay. */
export interface RestDemand {
  readonly instruments: readonly Instrument[];
  readonly channels: readonly Channel[];
}

export function baseUrlsOf(urls: readonly string[], place: Place, texts: Texts): readonly Template[] {
  return urls.flatMap((url, index) => {
    const at = place.at("base_urls", index);
    if (!/^https?:\/\/|^\{/.test(url)) at.error(`Not an HTTP address: ${url}; it begins with https:// or http://`);
    const template = templateOf(url.replace(/\/+$/, ""), at, { ...texts.scope, placeholders: ["env"] });
    return template === null ? [] : [template];
  });
}

/** Base URLs of a table's own, as a part of its plan; nothing where it has none. */
export function ownBaseUrls(
  { base_urls }: { readonly base_urls?: readonly string[] | undefined },
  place: Place,
  texts: Texts,
): { readonly baseUrls?: readonly Template[] } {
  return base_urls === undefined ? {} : { baseUrls: baseUrlsOf(base_urls, place, texts) };
}

export function pathTemplate(
  path: string,
  target: { readonly symbol: string; readonly native: string; readonly connectionId: string },
  context: { readonly place: Place; readonly texts: Texts },
  further: Readonly<Record<string, string>> = {},
) {
  const { native, connectionId } = target;
  const own = Object.entries(context.texts.symbolValues(target)).map(([name, value]) =>
    [name, encodeURIComponent(value)] as const
  );
  const values = {
    ...Object.fromEntries(own),
    symbol: encodeURIComponent(native),
    symbol_lower: encodeURIComponent(native.toLowerCase()),
    symbol_upper: encodeURIComponent(native.toUpperCase()),
    conn_id: encodeURIComponent(connectionId),
    ...further,
  };
  const scope = withValues(context.texts.scope, values);
  return templateOf(path, context.place, { ...scope, placeholders: ["now_ms", "now_s", "uuid", "env"] });
}

/** Whether a path or a body is another one for each instrument: it holds its symbol or what follows from it. */
export function namesInstrument(text: string): boolean {
  return /\{(?:symbol(?:_lower|_upper)?|base|quote|settle|expiry|sym:[^{}]*)\}/.test(text);
}
