/** The most streams of one connection. */
export const BINANCE_STREAMS_MAX = 1024;

/** Requests by WebSocket. An id is kept as the text it is echoed with. */
export type BinanceRequest =
  | { readonly method: "SUBSCRIBE" | "UNSUBSCRIBE"; readonly params: readonly string[]; readonly id: string }
  | { readonly method: "LIST_SUBSCRIPTIONS"; readonly id: string }
  | { readonly method: "refused"; readonly answer: string };

const PROPERTIES: ReadonlySet<string> = new Set(["method", "params", "id"]);
const ALPHANUMERIC = /^[A-Za-z0-9]{0,36}$/;

/** Reads a request; one that is not in order becomes the error frame that answers it. */
export function parseBinanceRequest(text: string): BinanceRequest {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    return refused(3, `Invalid JSON: ${reason}`, null);
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    return refused(2, "Invalid request: request must be an object", null);
  }
  const request = new Map<string, unknown>(Object.entries(body));
  const id = echoedId(request.get("id"));
  if (id === null) {
    return refused(2, "Invalid request: request ID must be an integer, an alphanumeric string or null", null);
  }
  for (const key of request.keys()) if (!PROPERTIES.has(key)) return refused(0, "Unknown property", id);
  const method = request.get("method");
  if (method === undefined) return refused(2, "Invalid request: missing field `method`", id);
  if (method === "LIST_SUBSCRIPTIONS") return { method, id };
  if (method !== "SUBSCRIBE" && method !== "UNSUBSCRIBE") {
    const known = "expected one of `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`";
    return refused(2, `Invalid request: unknown variant \`${String(method)}\`, ${known}`, id);
  }
  const params = request.get("params");
  if (!Array.isArray(params) || !params.every((param) => typeof param === "string")) {
    return refused(2, "Invalid request: params must be an array of strings", id);
  }
  return { method, params, id };
}

/** An error frame as the exchange writes it: no `result`, and an `id` only where one was understood. */
export function binanceError(code: number, msg: string, id: string | null): string {
  const body = JSON.stringify({ code, msg });
  return id === null ? body : `${body.slice(0, -1)},"id":${id}}`;
}

function refused(code: number, msg: string, id: string | null): BinanceRequest {
  return { method: "refused", answer: binanceError(code, msg, id) };
}

/** The JSON text of a valid id; null if it is not valid. A missing one is echoed as null. */
function echoedId(id: unknown): string | null {
  if (id === undefined || id === null) return "null";
  if (typeof id === "number") return Number.isSafeInteger(id) ? String(id) : null;
  return typeof id === "string" && ALPHANUMERIC.test(id) ? JSON.stringify(id) : null;
}
