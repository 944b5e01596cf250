import { Failure } from "../../model/mod.ts";

/**
 * Classes of SQLSTATE for which another attempt is useless: wrong data, constraint, login, database, schema,
 * permission, missing table or column, feature. https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const LASTING = /^(?:0A|22|23|28|3D|3F|42)/;

/** Returns the failure of an error of the client or the server. */
export function postgresFailure(what: "connect" | "write", cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  const { code, message, detail } = partsOf(cause);
  const target = what === "connect" ? "Cannot connect to PostgreSQL" : "Cannot write to PostgreSQL";
  if (/^[0-9A-Z]{5}$/.test(code)) {
    const text = `${target}: ${message}${detail === "" ? "" : ` (${detail})`} [${code}]`;
    return new Failure(code === "53100" ? "disk_full" : "sink", text, { cause, retry: !LASTING.test(code) });
  }
  if (/certificate|self.signed|SSL connections/i.test(`${code} ${message}`)) {
    return new Failure("tls", `${target}: ${message}`, { cause, retry: false });
  }
  const isTimeout = code === "ETIMEDOUT" || /timeout/i.test(message);
  return new Failure(isTimeout ? "timeout" : "connect", `${target}: ${message}`, { cause });
}

function partsOf(cause: unknown): { readonly code: string; readonly message: string; readonly detail: string } {
  const inner = cause instanceof AggregateError && cause.errors.length > 0 ? cause.errors[0] : cause;
  const parts = inner instanceof Error ? inner as Error & { code?: unknown; detail?: unknown } : null;
  return {
    code: typeof parts?.code === "string" ? parts.code : "",
    message: parts?.message || String(inner),
    detail: typeof parts?.detail === "string" ? parts.detail : "",
  };
}
