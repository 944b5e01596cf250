import type { Context } from "hono";
import type { Secrets } from "../model/mod.ts";
import type { ApiEnv } from "./env.ts";
import type { LiveFacts } from "./facts.ts";
import { type JsonSchema, listOf, object, orNull, value } from "./json_schema.ts";

/** Schema of the answer to a reload. */
export const RELOAD_SCHEMA: JsonSchema = object({
  accepted: value("boolean", "Whether the configuration on disk runs now"),
  error: orNull("string", "Why it does not: the first mistake; null if it does"),
  needs_restart: listOf(value("string", "A setting, as the file names it"), "Settings that apply only after a restart"),
});

interface ReloadOptions {
  readonly facts: Pick<LiveFacts, "reload" | "status">;
  readonly secrets: Secrets;
}

/** Reads the configuration again, as SIGHUP does. Answers 200 if it is applied, 422 if it is refused. */
export async function reload(context: Context<ApiEnv>, options: ReloadOptions): Promise<Response> {
  const { facts, secrets } = options;
  await facts.reload();
  const { error, refused, needsRestart } = facts.status().config;
  const why = error ?? refused?.text ?? null;
  const body = { accepted: why === null, error: why, needs_restart: needsRestart };
  return context.json(secrets.hideIn(body), why === null ? 200 : 422);
}
