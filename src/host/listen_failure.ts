import { Failure } from "../model/mod.ts";

/** Returns the failure for a port that cannot be listened on; code `busy` if another program has it. */
export function listenFailure(options: { readonly host: string; readonly port: number }, cause: unknown): Failure {
  const inUse = cause instanceof Deno.errors.AddrInUse ||
    cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
  const message = cause instanceof Error ? cause.message : String(cause);
  return new Failure(inUse ? "busy" : "connect", `Cannot listen on ${options.host}:${options.port}: ${message}`, {
    cause,
    retry: false,
  });
}
