import type { FetchResponse } from "../../host/mod.ts";
import { Failure } from "../../model/mod.ts";
import { statusFailure } from "../http_client.ts";

/**
 * Codes of errors for which another attempt is useless: no such column, type, table, database or setting; values it
 * cannot read; no such user, wrong password, missing right; read only.
 * https://github.com/ClickHouse/ClickHouse/blob/master/src/Common/ErrorCodes.cpp
 */
const LASTING = new Set([
  ...[6, 8, 10, 15, 16, 20, 26, 27, 36, 38, 41, 43, 44, 46, 47, 50, 53, 57, 60, 62, 69, 70, 72, 73, 80, 81, 115, 117],
  ...[122, 131, 158, 164, 191, 192, 193, 194, 291, 344, 349, 407, 452, 497, 516, 538, 621, 675],
]);

/** Returns the failure of an error answer. */
export function clickhouseFailure(what: string, { status, body }: Pick<FetchResponse, "status" | "body">): Failure {
  const text = new TextDecoder().decode(body.subarray(0, 1000)).trim().replace(/\s+/g, " ");
  const code = Number(/^Code: (\d+)/.exec(text)?.[1] ?? NaN);
  const message = `${what}: ${text === "" ? `status ${status}` : text}`;
  if (Number.isNaN(code)) return statusFailure(message, status);
  return new Failure("sink", message, { status, retry: !LASTING.has(code) });
}
