import type { OkxArg } from "./okx_feeds.ts";

/** Largest request in bytes. */
export const OKX_REQUEST_BYTES_MAX = 64 * 1024;

/** A request as far as it is in order; `refused` names the error that answers it. */
export type OkxRequest =
  | { readonly op: "subscribe" | "unsubscribe"; readonly args: readonly OkxArg[]; readonly id: string | null }
  | { readonly op: "refused"; readonly code: "60012" | "60013"; readonly msg: string; readonly id: string | null };

const ID = /^[A-Za-z0-9]{1,32}$/;
const KEYS: ReadonlySet<string> = new Set(["id", "op", "args"]);

/** Reads a request. */
export function parseOkxRequest(text: string, bytes: number): OkxRequest {
  const invalid = (id: string | null): OkxRequest => ({
    op: "refused",
    code: "60012",
    msg: `Invalid request: ${text.slice(0, 512)}`,
    id,
  });
  if (bytes > OKX_REQUEST_BYTES_MAX) return invalid(null);
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return invalid(null);
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) return invalid(null);
  const request = new Map<string, unknown>(Object.entries(body));
  const id = request.get("id") ?? null;
  if (id !== null && (typeof id !== "string" || !ID.test(id))) return invalid(null);
  for (const key of request.keys()) if (!KEYS.has(key)) return invalid(id);
  const op = request.get("op");
  if (op !== "subscribe" && op !== "unsubscribe") return invalid(id);
  const args = request.get("args");
  if (!Array.isArray(args)) return invalid(id);
  const read = args.map(parseArg);
  if (read.length === 0 || read.includes(null)) {
    return { op: "refused", code: "60013", msg: "Invalid args", id };
  }
  return { op, args: read.filter((arg) => arg !== null), id };
}

function parseArg(arg: unknown): OkxArg | null {
  if (typeof arg !== "object" || arg === null || Array.isArray(arg)) return null;
  const entries = Object.entries(arg);
  if (!entries.every(([, value]) => typeof value === "string")) return null;
  return "channel" in arg ? Object.fromEntries(entries) : null;
}
