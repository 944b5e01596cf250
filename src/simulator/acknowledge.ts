import type { DialectName } from "./simulator.ts";
import { parseBinanceRequest } from "./binance_request.ts";
import { parseOkxRequest } from "./okx_request.ts";

/**
 * Returns the frames with which an exchange would accept a client's frame, whatever it asks for, for recordings without
 * acknowledgements of this client. Empty if the frame is no request of the dialect.
 */
export function acknowledgeAs(dialect: DialectName, text: string): readonly string[] {
  switch (dialect) {
    case "binance": {
      const request = parseBinanceRequest(text);
      return request.method === "refused" ? [request.answer] : [`{"result":null,"id":${request.id}}`];
    }
    case "okx": {
      if (text === "ping") return ["pong"];
      const request = parseOkxRequest(text, text.length);
      if (request.op === "refused") return [];
      const id = request.id === null ? {} : { id: request.id };
      return request.args.map((arg) => JSON.stringify({ ...id, event: request.op, arg, connId: "a4d3ae55" }));
    }
    case "kraken":
      return acknowledgeKraken(text);
  }
}

function acknowledgeKraken(text: string): readonly string[] {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return [];
  }
  if (typeof body !== "object" || body === null) return [];
  const { method, params, req_id } = body as { method?: unknown; params?: unknown; req_id?: unknown };
  if (method === "ping") return [JSON.stringify({ method: "pong", req_id })];
  if ((method !== "subscribe" && method !== "unsubscribe") || typeof params !== "object" || params === null) return [];
  const { symbol, ...options } = params as Readonly<Record<string, unknown>>;
  const symbols: readonly unknown[] = Array.isArray(symbol) ? symbol : [undefined];
  return symbols.map((name) => JSON.stringify({ method, result: { ...options, symbol: name }, success: true, req_id }));
}
