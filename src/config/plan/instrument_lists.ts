import {
  eventSpec,
  type Instrument,
  type InstrumentListPlan,
  type InstrumentsRule,
  type RankingPlan,
  type RestPlan,
  type TimeUnit,
} from "../../model/mod.ts";
import type { InstrumentListValues, RestValues } from "../schema_descriptor.ts";
import { predicateOf, rowsOf, sourceOf } from "./compile.ts";
import { eventField } from "./fields.ts";
import type { Place } from "./place.ts";
import { ownBaseUrls } from "./rest_paths.ts";
import type { Texts } from "./texts.ts";

/** Lowers `[[rest.instruments]]`. `unit`: of times whose field names none. */
export function buildInstrumentLists(
  rest: RestValues,
  { place, texts, unit }: { readonly place: Place; readonly texts: Texts; readonly unit: TimeUnit },
): readonly InstrumentListPlan[] {
  return rest.instruments.flatMap((list, index) => {
    const at = place.at("instruments", index);
    const rows = rowsOf(list.rows, at.at("rows"));
    const where = list.where === undefined ? null : predicateOf(list.where, at.at("where"));
    const native = sourceOf(list.native, at.at("native"));
    const canonical = sourceOf(list.canonical, at.at("canonical"));
    const fields = Object.fromEntries(
      Object.entries(list.fields).flatMap(([name, value]) => {
        if (value === undefined) return [];
        const spec = eventSpec("instrument").fields[name];
        return [[name, eventField(value, at.at("fields", name), { ...spec, nullable: true, unit })]];
      }),
    );
    if (rows === null || native === null || canonical === null) return [];
    const next = list.next === undefined ? null : nextPage(list.next, at.at("next"));
    const { method, path, body = null } = list;
    const values = Object.fromEntries(
      Object.entries(list.values).flatMap(([key, text]) => {
        const value = sourceOf(text, at.at("values", key));
        return value === null ? [] : [[key, value] as const];
      }),
    );
    const name = index === 0 ? "instruments" : `instruments#${index + 1}`;
    return [{
      name,
      method,
      ...ownBaseUrls(list, at, texts),
      path,
      body,
      rows,
      where,
      native,
      canonical,
      next,
      fields,
      values,
    }];
  });
}

function nextPage(
  next: NonNullable<InstrumentListValues["next"]>,
  place: Place,
): InstrumentListPlan["next"] {
  const at = sourceOf(next.at, place.at("at"));
  return at === null ? null : { at, parameter: next.parameter };
}

/** The part of a frame plan that turns instrument lists into events; nothing where there are no lists. */
export function instrumentsRule(
  { instruments }: RestPlan,
  asked: readonly Instrument[] | null,
): { readonly instruments?: InstrumentsRule } {
  if (instruments.length === 0) return {};
  const lists = instruments.map(({ name, rows, where, native, canonical, next, fields }) => ({
    name,
    rows,
    where,
    native,
    canonical,
    next,
    fields,
  }));
  const natives = asked === null ? null : Object.fromEntries(asked.map(({ symbol, native }) => [symbol, native]));
  return { instruments: { lists, asked: natives } };
}

/** Lowers `[[rest.rankings]]`; nothing where there are none. */
export function buildRankings(
  rest: RestValues,
  { place, texts }: { readonly place: Place; readonly texts: Texts },
): { readonly rankings?: readonly RankingPlan[] } {
  if (rest.rankings.length === 0) return {};
  return {
    rankings: rest.rankings.flatMap((ranking, index) => {
      const at = place.at("rankings", index);
      const { method, path, body = null, families = null } = ranking;
      if (!path.startsWith("/")) at.at("path").error(`Not a path: ${path}; it begins with /`);
      const rows = rowsOf(ranking.rows, at.at("rows"));
      const where = ranking.where === undefined ? null : predicateOf(ranking.where, at.at("where"));
      const native = sourceOf(ranking.native, at.at("native"));
      const values = Object.fromEntries(
        Object.entries(ranking.values).flatMap(([name, text]) => {
          const value = sourceOf(text, at.at("values", name));
          return value === null ? [] : [[name, value] as const];
        }),
      );
      if (rows === null || native === null) return [];
      return [{ method, ...ownBaseUrls(ranking, at, texts), path, body, rows, where, native, families, values }];
    }),
  };
}
