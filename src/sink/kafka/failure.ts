import { Failure } from "../../model/mod.ts";

/**
 * Errors that need a person: login, permission, names and sizes that the cluster refuses.
 * https://kafka.apache.org/41/design/protocol/#error-codes
 */
const LASTING: ReadonlySet<string> = new Set([
  "TOPIC_AUTHORIZATION_FAILED",
  "CLUSTER_AUTHORIZATION_FAILED",
  "TRANSACTIONAL_ID_AUTHORIZATION_FAILED",
  "SASL_AUTHENTICATION_FAILED",
  "UNSUPPORTED_SASL_MECHANISM",
  "ILLEGAL_SASL_STATE",
  "INVALID_TOPIC_EXCEPTION",
  "INVALID_REPLICATION_FACTOR",
  "INVALID_PARTITIONS",
  "MESSAGE_TOO_LARGE",
  "POLICY_VIOLATION",
]);

/** Returns the failure of an error of the client or the cluster. */
export function kafkaFailure(what: string, cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  const errors = flat(cause);
  const ids = errors.flatMap(({ apiId }) => typeof apiId === "string" ? [apiId] : []);
  const codes = errors.flatMap(({ code }) => typeof code === "string" ? [code] : []);
  const { message } = errors[errors.length - 1] ?? errors[0];
  const text = `Cannot ${what}: ${message}${ids.length === 0 ? "" : ` [${ids[0]}]`}`;
  if (codes.some((code) => /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code))) {
    return new Failure("tls", text, { cause, retry: false });
  }
  const isRefused = ids.some((id) => LASTING.has(id)) || codes.includes("PLT_KFK_AUTHENTICATION");
  if (isRefused) return new Failure("sink", text, { cause, retry: false });
  const isTimeout = codes.includes("PLT_KFK_TIMEOUT");
  return new Failure(isTimeout ? "timeout" : ids.length > 0 ? "sink" : "connect", text, { cause });
}

/** Whether an error says that a topic exists already. */
export function isThere(cause: unknown): boolean {
  return flat(cause).some(({ apiId }) => apiId === "TOPIC_ALREADY_EXISTS");
}

interface AnyError {
  readonly message: string;
  readonly code?: unknown;
  readonly apiId?: unknown;
}

/** Returns an error and all of its causes, the outermost first. */
function flat(error: unknown, depth = 0): readonly AnyError[] {
  if (!(error instanceof Error) || depth > 8) return depth === 0 ? [{ message: String(error) }] : [];
  const inner = error instanceof AggregateError ? error.errors : [];
  return [error, ...[...inner, error.cause].flatMap((one) => flat(one, depth + 1))];
}
