import { errors } from "@nats-io/transport-node";
import { Failure } from "../../model/mod.ts";

/** An error of JetStream. https://github.com/nats-io/nats-server/blob/main/server/errors.json */
export interface JetStreamError {
  readonly code?: number;
  readonly err_code?: number;
  readonly description?: string;
}

/**
 * Errors that need a person: JetStream is not enabled for the account, subjects overlap with another stream's, the
 * stream takes no atomic batches, a message is larger than the stream allows, limits of the account.
 */
const LASTING: ReadonlySet<number> = new Set([10039, 10065, 10174, 10054, 10052, 10028, 10025]);
/** The last sequence of the subject is not the one expected. */
export const WRONG_LAST_SEQUENCE = 10071;
/** No message of the subject. */
export const NO_MESSAGE = 10037;
/** No such stream. */
export const NO_STREAM = 10059;

/** Returns the failure of a JetStream error. */
export function refusal(what: string, { err_code = 0, code, description = "no reason" }: JetStreamError): Failure {
  const moved = err_code === WRONG_LAST_SEQUENCE ? "another process has written for this sink: " : "";
  const text = `Cannot ${what}: ${moved}${description} [${err_code === 0 ? code : err_code}]`;
  return new Failure("sink", text, { retry: !LASTING.has(err_code) });
}

/** Returns the failure of a client error. */
export function natsFailure(what: string, cause: unknown): Failure {
  if (cause instanceof Failure) return cause;
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const message = inner instanceof Error ? inner.message : String(inner);
  const any = (type: abstract new (...args: never[]) => unknown) => cause instanceof type || inner instanceof type;
  if (
    any(errors.AuthorizationError) || any(errors.UserAuthenticationExpiredError) || any(errors.PermissionViolationError)
  ) {
    return new Failure("sink", `Cannot ${what}: ${message}`, { cause, retry: false });
  }
  if (isCertificate(inner)) return new Failure("tls", `Cannot ${what}: ${message}`, { cause, retry: false });
  if (any(errors.NoRespondersError)) {
    return new Failure("sink", `Cannot ${what}: no JetStream answers, or there is no such stream`, { cause });
  }
  if (any(errors.TimeoutError)) return new Failure("timeout", `Cannot ${what}: the server does not answer`, { cause });
  return new Failure("connect", `Cannot ${what}: ${message === "" ? "the connection was closed" : message}`, { cause });
}

function isCertificate(error: unknown): boolean {
  const code: unknown = typeof error === "object" && error !== null ? Reflect.get(error, "code") : null;
  return typeof code === "string" && /CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code);
}
