import { JsonDocument } from "../json/mod.ts";
import type { Clock, Fetcher, Random } from "../host/mod.ts";
import {
  BOOTSTRAP_BYTES_MAX,
  BOOTSTRAP_TIMEOUT_MS,
  type BootstrapPlan,
  Failure,
  type ProxyAddress,
  renderTemplate,
} from "../model/mod.ts";
import { compileExpression, scopeOf } from "../program/mod.ts";

/** Values of a bootstrap reply, by name. */
export type BootValues = Readonly<Record<string, string>>;

/**
 * Makes the bootstrap call and reads the values from its reply. Rejects with a `Failure`, which carries Retry-After if
 * a status caused it.
 */
export async function fetchBootstrap(
  plan: BootstrapPlan,
  host: { readonly clock: Clock; readonly fetcher: Fetcher; readonly random: Random },
  { signal, caCertPath, proxy }: {
    readonly signal: AbortSignal;
    readonly caCertPath: string | null;
    readonly proxy?: ProxyAddress;
  },
): Promise<BootValues> {
  const values = { nowMs: host.clock.nowMs(), uuid: () => host.random.uuid() };
  const answer = await host.fetcher.fetch({
    method: plan.method,
    url: renderTemplate(plan.url, values),
    headers: plan.headers,
    body: plan.body === null ? null : renderTemplate(plan.body, values),
    caCertPaths: caCertPath === null ? [] : [caCertPath],
    ...(proxy === undefined ? {} : { proxy }),
    timeoutMs: BOOTSTRAP_TIMEOUT_MS,
    bytesMax: BOOTSTRAP_BYTES_MAX,
  }, signal);
  if (answer.status < 200 || answer.status > 299) {
    throw new Failure("http_status", `Bootstrap was refused: status ${answer.status}`, {
      status: answer.status,
      ...(answer.retryAfterMs === null ? {} : { retryAfterMs: answer.retryAfterMs }),
    });
  }
  return readBootValues(plan, answer.body);
}

/** Reads the values from a reply. Throws a `Failure` if one is missing, because the connect needs it. */
export function readBootValues(plan: BootstrapPlan, body: Uint8Array): BootValues {
  const document = new JsonDocument();
  if (!document.parse(body)) {
    throw new Failure("connect", `Bootstrap reply is not JSON: ${document.error?.message ?? ""}`);
  }
  const scope = scopeOf(document);
  const values: Record<string, string> = {};
  for (const { name, expression } of plan.values) {
    const value = compileExpression(expression).evaluate(scope);
    const text = typeof value === "number" ? document.text(value) : value;
    if (text === null) {
      throw new Failure("connect", `Bootstrap reply lacks ${name}: ${expression.source} gives no value`);
    }
    values[name] = String(text);
  }
  return values;
}
