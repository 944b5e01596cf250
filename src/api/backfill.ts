import type { Context } from "hono";
import { type Channel, CHANNELS, type Secrets } from "../model/mod.ts";
import type { ApiEnv } from "./env.ts";
import { type Endpoint, textParameter } from "./endpoint.ts";
import type { LiveFacts } from "./facts.ts";
import { nullable, object, open } from "./json_schema.ts";
import { type Parameter, readParameters } from "./parameters.ts";

const JOB = open(
  "exchange, channel, from and to (µs), notes, and `state`: `running` with step (`known`: the journal is read; " +
    "`fetch`: the exchange is asked), done, total and fetched; `done` with streams: symbol, request, known, fetched, " +
    "missing (from, to, reason); or `failed` with error",
);

/** The answer of both: what is under way, or what the last demand came to. */
export const BACKFILL_SCHEMA = object({ job: nullable(JOB) });

/** What is asked for by POST. */
export const BACKFILL_PARAMETERS: readonly Parameter[] = [
  textParameter("exchange", "Name of the instance"),
  textParameter("from", "First time, as 2026-11-22T13:00:00Z"),
  textParameter("to", "Time before which it ends; now where it is not given"),
  textParameter("symbols", "Canonical symbols with commas between; all where they are not given"),
  {
    name: "kind",
    in: "query",
    type: "choice",
    choices: ["trades", "candles", "funding"],
    description: "What is fetched; trades where it is not given",
  },
];

/** `GET /backfill`. */
export const BACKFILL: Endpoint = {
  path: "/backfill",
  id: "getBackfill",
  summary: "History that is being fetched on demand, or what the last demand came to",
  parameters: [],
  schema: BACKFILL_SCHEMA,
  answer: ({ backfill }) => ({ job: backfill.status() }),
};

/** `POST /backfill`: begins to fetch history. 202 where it has begun, 409 while another range is being fetched. */
export function beginBackfill(
  context: Context<ApiEnv>,
  { facts, secrets }: { readonly facts: Pick<LiveFacts, "backfill">; readonly secrets: Secrets },
): Response {
  const query = new URL(context.req.url).searchParams;
  const asked = readParameters(BACKFILL_PARAMETERS, { path: {}, query });
  if (typeof asked === "string") return context.json({ error: asked }, 400);
  const exchange = asked.text("exchange");
  const from = timeOf(asked.text("from"));
  const to = asked.text("to") === undefined ? null : timeOf(asked.text("to"));
  if (exchange === undefined) return context.json({ error: "The parameter exchange is missing" }, 400);
  if (from === null || (to === null && asked.text("to") !== undefined)) {
    return context.json({ error: "from and to take a time such as 2026-11-22T13:00:00Z" }, 400);
  }
  const channel = CHANNELS.find((each) => each === (asked.text("kind") ?? "trades")) ?? ("trades" satisfies Channel);
  const symbols = asked.text("symbols")?.split(",") ?? null;
  const refused = facts.backfill.begin({ exchange, channel, symbols, from, to });
  if (refused !== null) return context.json(secrets.hideIn({ error: refused.error }), refused.isBusy ? 409 : 422);
  return context.json(secrets.hideIn({ job: facts.backfill.status() }) as object, 202);
}

/** An ISO time in µs, in UTC where it names no zone; null where it is none. */
function timeOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const ms = Date.parse(/^\d{4}-\d\d-\d\dT[\d:.]+$/.test(text) ? `${text}Z` : text);
  return Number.isNaN(ms) ? null : ms * 1000;
}
