import type { ProxyAddress } from "./connection.ts";
import type { Channel } from "../channel.ts";
import type { Expression, Rows } from "../expression.ts";
import type { Family } from "../instrument.ts";
import type { Predicate } from "../predicate.ts";
import type { Secret } from "../secret.ts";
import type { Template } from "../template.ts";
import type { FieldRule } from "./field_rule.ts";

/** `[rest]`. */
export interface RestPlan {
  /** Without a slash at the end. */
  readonly baseUrls: readonly Template[];
  readonly headers: Readonly<Record<string, string | Secret>>;
  /** PEM files of authorities that connections of the instance trust in addition to the platform's. */
  readonly caCertPaths: readonly string[];
  /** Absent: connects directly, or through the environment's proxy. */
  readonly proxy?: ProxyAddress;
  readonly rateLimit: RestRateLimit | null;
  readonly requests: readonly RestRequestPlan[];
  readonly instruments: readonly InstrumentListPlan[];
  readonly backfills: readonly BackfillPlan[];
  /** Lists that measure instruments. Absent: there are none. */
  readonly rankings?: readonly RankingPlan[];
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
  /** Recognises the URL in a recording. */
  readonly match: {
    /** The path before its first variable. */
    readonly pathPrefix: string;
    /** The path after its last variable. Absent: the path ends there, with or without a slash. */
    readonly pathSuffix?: string;
    /** Query parameter that holds the native symbol; null if the path holds it, or nothing does. */
    readonly symbolParameter: string | null;
    /**
     * Computes the native symbol from the address, read as `{ path, query }`, if the address does not hold it as such.
     */
    readonly native?: Expression;
  };
}

/** Request for a list of instruments, and the rules that turn its rows into entries of the symbol map. */
export interface InstrumentListPlan extends InstrumentListRule {
  readonly method: "GET" | "POST";
  /** Where it is asked instead of at the base URLs of all. */
  readonly baseUrls?: readonly Template[];
  readonly path: string;
  readonly body: string | null;
  readonly values: ListValues;
}

/** How the answers of an instrument list are read. */
export interface InstrumentListRule {
  /** Name of its answers in the journal: `instruments`, `instruments#2`. */
  readonly name: string;
  readonly rows: Rows;
  readonly where: Predicate | null;
  readonly native: Expression;
  readonly canonical: Expression;
  /** Place of the next page's cursor in an answer, and the query parameter that takes it; null if there is one page. */
  readonly next: { readonly at: Expression; readonly parameter: string } | null;
  /** Fields of `instrument` events, by name. Those that are not named follow from the canonical symbol, or are null. */
  readonly fields: Readonly<Record<string, FieldRule>>;
}

/** Values of a list that requests and rules may use, by name. */
export type ListValues = Readonly<Record<string, Expression>>;

/** Request for a list that measures instruments, such as by the volume of a day. */
export interface RankingPlan {
  readonly method: "GET" | "POST";
  /** Where it is asked instead of at the base URLs of all. */
  readonly baseUrls?: readonly Template[];
  readonly path: string;
  readonly body: string | null;
  readonly rows: Rows;
  readonly where: Predicate | null;
  readonly native: Expression;
  /** Families of the instruments that it measures; null: all. */
  readonly families: readonly Family[] | null;
  /** Measures by name. */
  readonly values: Readonly<Record<string, Expression>>;
}

/** The lists of an instance whose answers become events. */
export interface InstrumentsRule {
  readonly lists: readonly InstrumentListRule[];
  /** Canonical to native spelling of the instruments that are emitted; null emits all. */
  readonly asked: Readonly<Record<string, string>> | null;
}

/**
 * Order of pages of history. `forward`: from the older end to the newer. `backward`: from the newer end to the older.
 * `latest`: one page of the newest events, without a cursor.
 */
export type BackfillDirection = "forward" | "backward" | "latest";

/** Placeholders for the requested stretch in the path or body of a backfill. */
export const BACKFILL_PLACEHOLDERS = [
  "from_id",
  "to_id",
  "from_s",
  "to_s",
  "from_ms",
  "to_ms",
  "from_us",
  "to_us",
  "from_ns",
  "to_ns",
  "from_iso",
  "to_iso",
  "day",
  "yyyymmdd",
  "page",
  "offset",
] as const;

export type BackfillPlaceholder = typeof BACKFILL_PLACEHOLDERS[number];

/** A request for past events, which fetches what a stream has missed, page by page. */
export interface BackfillPlan {
  readonly name: string;
  readonly channel: Channel;
  /** Connection whose streams of `channel` it fills. */
  readonly connectionId: string;
  /** Where it is asked instead of at the base URLs of all. */
  readonly baseUrls?: readonly Template[];
  readonly method: "GET" | "POST";
  /** Path and body per instrument; their texts still hold the placeholders of the stretch, such as `{from_id}`. */
  readonly targets: readonly {
    readonly native: string;
    readonly symbol: string;
    readonly path: Template;
    /** Of the first page where `path` names an id and none is known. Absent: there is no way without. */
    readonly firstPath?: Template;
    readonly body: string | null;
  }[];
  readonly direction: BackfillDirection;
  /** Whether a page excludes the event whose id it is requested with. */
  readonly isExclusive: boolean;
  /** Rows of a full page: a page with fewer is the last of its stretch. Null: only an empty page is the last. */
  readonly pageRows: number | null;
  /** Longest stretch of one request in ms; null: any. */
  readonly windowMs: number | null;
  /** How far back the exchange keeps such events, in ms; null: it does not say. */
  readonly retentionMs: number | null;
}

/** A backfill as the derivation needs it: which request's answers are events of which streams. */
export interface FillRule {
  readonly request: string;
  readonly channel: Channel;
  readonly connectionId: string;
  /**
   * The end of the stretch that pages exclude, so that they need not reach its event. Absent: pages include both ends.
   */
  readonly leavesOut?: "from" | "to";
}

/**
 * Order of an instrument's trade ids. `consecutive`: each is one up from the one before, so a jump means missing
 * trades. `rising`: later ids are larger numbers.
 */
export type TradeIdOrder = "consecutive" | "rising";
