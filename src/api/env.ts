import type { HttpCall } from "../host/mod.ts";

/** What each handler gets beside the request. */
export type ApiEnv = { Bindings: { readonly call: HttpCall } };
