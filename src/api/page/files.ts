import type { Hono } from "hono";
import type { Files } from "../../host/mod.ts";
import type { ApiEnv } from "../env.ts";

/** Files of the page by path: name and type. */
const PAGE_FILES: Readonly<Record<string, readonly [name: string, type: string]>> = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/style.css": ["style.css", "text/css; charset=utf-8"],
  "/app.js": ["app.js", "text/javascript; charset=utf-8"],
  "/favicon.svg": ["favicon.svg", "image/svg+xml"],
};

/** Paths of the page. They hold no data and need no token. */
export const PAGE_PATHS: readonly string[] = Object.keys(PAGE_FILES);

/** Loads nothing from elsewhere, and no other page may frame it. */
const HEADERS = {
  "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "cache-control": "no-cache",
};

/** Adds routes for the page's files, which are in `dir`. */
export function addPageRoutes(app: Hono<ApiEnv>, files: Files, dir: string): void {
  for (const [path, [name, type]] of Object.entries(PAGE_FILES)) {
    app.get(path, (context) => {
      const text = files.readTextSync(`${dir}/${name}`);
      if (text === null) return context.json({ error: `The file ${name} of the page is missing` }, 404);
      return context.body(text, 200, { ...HEADERS, "content-type": type });
    });
  }
}
