import type { Host } from "../host/mod.ts";
import { Failure } from "../model/mod.ts";

/** Longest wait for the answer of the process that holds the port, in ms. */
const ASK_MS_MAX = 3_000;
/** Most bytes of its answer that are read. */
const ANSWER_BYTES_MAX = 4 * 1024 * 1024;

/** Rejects with the error. If a collector holds the port, its /healthz answers and the message names it. */
export async function nameHolder(
  error: unknown,
  host: Pick<Host, "fetcher">,
  address: { readonly host: string; readonly port: number },
): Promise<never> {
  if (!(error instanceof Failure) || error.code !== "busy") throw error;
  const holder = await askHolder(host, address);
  if (holder === null) throw error;
  throw new Failure("busy", `${error.message}: ${holder} holds it`, { cause: error, retry: false });
}

async function askHolder(
  { fetcher }: Pick<Host, "fetcher">,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<string | null> {
  const reachable = host === "0.0.0.0" || host === "::" ? "127.0.0.1" : host;
  try {
    const { body } = await fetcher.fetch({
      method: "GET",
      url: `http://${reachable}:${port}/healthz`,
      headers: {},
      body: null,
      caCertPaths: [],
      timeoutMs: ASK_MS_MAX,
      bytesMax: ANSWER_BYTES_MAX,
    });
    const told: unknown = JSON.parse(new TextDecoder().decode(body));
    if (typeof told !== "object" || told === null || !("process_id" in told) || !("service" in told)) return null;
    return `process ${told.process_id} (${told.service})`;
  } catch (cause) {
    // The port's holder is no collector, or does not answer.
    if (cause instanceof Failure || cause instanceof SyntaxError) return null;
    throw cause;
  }
}
