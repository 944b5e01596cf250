import type { HttpAccess } from "../model/mod.ts";
import { createHash, timingSafeEqual } from "node:crypto";

/** Why a request is refused. */
export interface Refusal {
  readonly status: 401 | 403;
  readonly error: string;
}

/** The server's rules of access. */
export interface Access extends Pick<HttpAccess, "token" | "isLocked" | "isOpen" | "hosts"> {
  /** The configured address that the server is bound to. */
  readonly boundHost: string;
}

/**
 * Part of the server that a request is for. `health`: health and metrics. `page`: files without data. `api`: everything
 * else.
 */
export type Area = "health" | "page" | "api";

/**
 * Checks a request before it is served. Returns null if it is allowed.
 *
 * - Bound to an address that other machines reach, the API needs a token.
 * - A `Host` that is neither a numeric address nor a configured name is refused: through a foreign name that resolves to
 *   this machine, pages in a browser could reach it (DNS rebinding).
 * - An `Origin` other than the server itself is refused, for WebSockets, too.
 */
export function refusalOf(request: Request, area: Area, access: Access): Refusal | null {
  if (area === "health" && access.isOpen) return null;
  const host = hostOf(request);
  if (!isOwnName(host, access)) {
    return { status: 403, error: `Host ${host} is not a name of this server: add it to http_hosts of [run]` };
  }
  const origin = request.headers.get("origin");
  if (origin !== null && !isSameOrigin(origin, request)) {
    return { status: 403, error: "Requests from pages of another origin are refused" };
  }
  if (area === "page") return null;
  if (access.isLocked) {
    return { status: 403, error: "http_token of [run] is invalid: every request is refused until it is repaired" };
  }
  if (access.token === null) {
    if (isLoopback(access.boundHost)) return null;
    return { status: 403, error: `Bound to ${access.boundHost}, the API answers only with an http_token in [run]` };
  }
  const given = /^Bearer +(\S+) *$/i.exec(request.headers.get("authorization") ?? "")?.[1];
  if (given === undefined) return { status: 401, error: "Send the header Authorization: Bearer with the http_token" };
  return isSameSecret(given, access.token.reveal()) ? null : { status: 401, error: "The token is wrong" };
}

/** Whether an address is reached from this machine alone. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host === "[::1]" || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Compares digests, so that neither time nor length leaks anything. */
function isSameSecret(given: string, wanted: string): boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}

/** Returns the name in `Host` without its port. */
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
