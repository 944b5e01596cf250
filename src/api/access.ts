import type { HttpAccess } from "../model/mod.ts";
import { createHash, timingSafeEqual } from "node:crypto";

/** Why a request is not answered. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly error: string;
}

/** Who may ask what. */
export interface Access extends Pick<HttpAccess, "token" | "isLocked" | "isOpen" | "hosts"> {
  /** The address that the server is bound to, as it is configured. */
  readonly boundHost: string;
}

/** What a request asks for. `health`: health and metrics. `page`: files that hold no data. `api`: everything else. */
export type Asked = "health" | "page" | "api";

/**
 * Judges a request before anything is done for it; null where it may pass.
 *
 * - Away from this machine's own addresses the API needs a token.
 * - A `Host` that is neither an address of digits nor a name of ours is refused: a foreign name that leads here is how
 *   pages of others reach servers behind a browser (DNS rebinding).
 * - An `Origin` other than the server itself is refused, for sockets and requests of other pages alike.
 */
export function refusalOf(request: Request, asked: Asked, access: Access): Refusal | null {
  if (asked === "health" && access.isOpen) return null;
  const host = hostOf(request);
  if (!isOwnName(host, access)) {
    return { status: 403, error: `Host ${host} is not a name of this server: add it to http_hosts of [run]` };
  }
  const origin = request.headers.get("origin");
  if (origin !== null && !isSameOrigin(origin, request)) {
    return { status: 403, error: "Pages of another origin may not ask" };
  }
  if (asked === "page") return null;
  if (access.isLocked) {
    return { status: 403, error: "http_token of [run] is wrong: nobody may ask until it is repaired" };
  }
  if (access.token === null) {
    if (isLoopback(access.boundHost)) return null;
    return { status: 403, error: `Bound to ${access.boundHost}, the API answers only with an http_token in [run]` };
  }
  const given = /^Bearer +(\S+) *$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (given === undefined) return { status: 401, error: "Send the header Authorization: Bearer with the http_token" };
  return isSameSecret(given, access.token.reveal()) ? null : { status: 401, error: "The token is another one" };
}

/** Whether an address is reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Compares digests, so that neither time nor length tells anything. */
function isSameSecret(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

/** The name in `Host`, without its port. */
function hostOf(request: Request): string {
  const host = request.headers.get("host") ?? "";
  return host.replace(/:\d*$/, "").toLowerCase();
}

function isOwnName(host: string, { hosts, boundHost }: Access): boolean {
  const isAddress = /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host) || /^\[[0-9a-f:.]+\]$/.test(host);
  return isAddress || host === "localhost" || host === boundHost.toLowerCase() ||
    hosts.some((name) => name.toLowerCase() === host);
}

function isSameOrigin(origin: string, request: Request): boolean {
  return URL.canParse(origin) && new URL(origin).host === (request.headers.get("host") ?? "").toLowerCase();
}
