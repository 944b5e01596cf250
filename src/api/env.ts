import type { HttpCall } from "../host/mod.ts";

/** Hono's environment: what each handler gets beside the request. */
export type ApiEnv = { Bindings: { readonly call: HttpCall } };
