import type { Channel } from "../channel.ts";
import type { Expression, Rows } from "../expression.ts";
import type { Predicate } from "../predicate.ts";
import type { Secret } from "../secret.ts";
import type { Template } from "../template.ts";

/** `[rest]`. */
export interface RestPlan {
  /** Without a slash at the end. */
  readonly baseUrls: readonly Template[];
  readonly headers: Readonly<Record<string, string | Secret>>;
  /** Authorities that connections of the instance trust beside the platform's own. */
  readonly caCertPaths: readonly string[];
  readonly rateLimit: RestRateLimit | null;
  readonly requests: readonly RestRequestPlan[];
  readonly instruments: readonly InstrumentListPlan[];
}

export type RestRateLimit =
  | { readonly kind: "requests_per_minute"; readonly requestsPerMinute: number }
  | { readonly kind: "token_bucket"; readonly capacity: number; readonly refillPerSecond: number };

/** A REST answer that becomes events: asked for once a session, or again and again. */
export interface RestRequestPlan {
  readonly name: string;
  readonly channel: Channel;
  /** Asked for on behalf of this connection's streams of `channel`. */
  readonly connectionId: string;
  /** Behind a base URL; one entry an instrument, or a single one with native `""`. */
  readonly targets: readonly { readonly native: string; readonly symbol: string; readonly path: Template }[];
  /** Null: once a session, after the stream was acknowledged. */
  readonly everyMs: number | null;
  /** How a URL seen in a recording is recognised: the path before the first variable, and the name of the parameter. */
  readonly match: { readonly pathPrefix: string; readonly symbolParameter: string | null };
}

/** Where the list of instruments comes from and how a row becomes a map entry. */
export interface InstrumentListPlan {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body: string | null;
  readonly rows: Rows;
  readonly where: Predicate | null;
  readonly native: Expression;
  readonly canonical: Expression;
  /** Where an answer names the page behind it, and the query parameter that asks for it; null: there is one page. */
  readonly next: { readonly at: Expression; readonly parameter: string } | null;
}
