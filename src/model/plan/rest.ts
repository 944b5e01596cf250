import type { ProxyAddress } from "./connection.ts";
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
  /** Absent: hosts are reached directly, or as the environment says. */
  readonly proxy?: ProxyAddress;
  readonly rateLimit: RestRateLimit | null;
  readonly requests: readonly RestRequestPlan[];
  readonly instruments: readonly InstrumentListPlan[];
}

export type RestRateLimit =
  | { readonly kind: "requests_per_minute"; readonly requestsPerMinute: number }
  | { readonly kind: "token_bucket"; readonly capacity: number; readonly refillPerSecond: number };

/** REST request whose answers become events: sent once a session, or polled. */
export interface RestRequestPlan {
  readonly name: string;
  readonly channel: Channel;
  /** Connection whose streams of `channel` the request serves. */
  readonly connectionId: string;
  /** Where it is asked instead of at the base URLs of all. */
  readonly baseUrls?: readonly Template[];
  /** One path for each instrument, or a single one with native `""`; each follows a base URL. */
  readonly targets: readonly {
    readonly native: string;
    readonly symbol: string;
    readonly path: Template;
    /** Absent: a request without a body. */
    readonly body?: Template;
  }[];
  /** Absent: GET. */
  readonly method?: "POST";
  /** Poll interval in ms; null sends the request once a session, after the stream was acknowledged. */
  readonly everyMs: number | null;
  /** Recognises the URL in a recording: the path before the first variable, and the name of the symbol's parameter. */
  readonly match: { readonly pathPrefix: string; readonly symbolParameter: string | null };
}

/** Request for a list of instruments, and the rules that turn its rows into entries of the symbol map. */
export interface InstrumentListPlan {
  readonly method: "GET" | "POST";
  /** Where it is asked instead of at the base URLs of all. */
  readonly baseUrls?: readonly Template[];
  readonly path: string;
  readonly body: string | null;
  readonly rows: Rows;
  readonly where: Predicate | null;
  readonly native: Expression;
  readonly canonical: Expression;
  /** Place of the next page's cursor in an answer, and the query parameter that takes it; null if there is one page. */
  readonly next: { readonly at: Expression; readonly parameter: string } | null;
}
