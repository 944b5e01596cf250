import { type Context, Hono } from "hono";
import type { Clock, Files, HttpServer, Listener } from "../host/mod.ts";
import { type HttpAccess, LIVE_GOODBYE_MS } from "../model/mod.ts";
import { addTelemetryRoutes, TELEMETRY_PATHS, type TelemetryFacts } from "../telemetry/mod.ts";
import { type Area, refusalOf } from "./access.ts";
import type { ApiEnv } from "./env.ts";
import type { Endpoint } from "./endpoint.ts";
import { API_ROOT, openApiDocument } from "./openapi.ts";
import { LIVE_ROUTES } from "./live/routes.ts";
import type { LiveFeed } from "./live/feed.ts";
import { addPageRoutes, PAGE_PATHS } from "./page/files.ts";
import type { OverviewFacts } from "./page/overview.ts";
import { OverviewRoutes } from "./page/routes.ts";
import { TardisRoutes } from "./tardis/routes.ts";
import { BACKFILL, beginBackfill } from "./backfill.ts";
import { reload } from "./reload.ts";
import { readParameters } from "./parameters.ts";
import { ENDPOINTS } from "./resources.ts";

export interface ApiServerOptions extends TelemetryFacts {
  readonly listener: Listener;
  readonly clock: Clock;
  /** Source of the live events. */
  readonly feed: LiveFeed;
  readonly host: string;
  readonly port: number;
  readonly access: HttpAccess;
  readonly version: string;
  readonly facts: OverviewFacts;
  /** The page's files. */
  readonly page: { readonly files: Files; readonly dir: string };
}

/**
 * Serves health, metrics, the API and the page as long as the process lives, even with a broken configuration. Rejects
 * with a `Failure` if the address cannot be bound or a certificate cannot be used.
 */
export async function serveApi(options: ApiServerOptions): Promise<HttpServer> {
  const { listener, host, port, access, feed } = options;
  const overview = new OverviewRoutes(options);
  const app = createApp(options, overview);
  const { tls, clientsMax } = access;
  const server = await listener.serveHttp(
    { host, port, tls, clientsMax },
    (request, call) => app.fetch(request, { call }),
  );
  return {
    host: server.host,
    port: server.port,
    async stop() {
      const hasClients = feed.size > 0 || overview.hasClients;
      feed.stop("the collector stops");
      overview.stop("the collector stops");
      // The server's stop cuts connections: the reason needs a moment to arrive.
      if (hasClients) await options.clock.sleep(LIVE_GOODBYE_MS);
      await server.stop();
    },
  };
}

function createApp(options: ApiServerOptions, overview: OverviewRoutes): Hono<ApiEnv> {
  const { host, access, version, secrets } = options;
  const app = new Hono<ApiEnv>();
  const paths: string[] = [];
  app.use(async (context, next) => {
    const refusal = refusalOf(context.req.raw, areaOf(context.req.path), { ...access, boundHost: host });
    context.header("x-content-type-options", "nosniff");
    if (refusal === null) return await next();
    if (refusal.status === 401) context.header("www-authenticate", 'Bearer realm="crypto-collector"');
    return context.json({ error: refusal.error }, refusal.status);
  });
  const only = (path: string, allow = "GET, HEAD") => {
    paths.push(path);
    app.all(path, (context) => context.json({ error: "method not allowed" }, 405, { allow }));
  };
  addTelemetryRoutes(app, options);
  for (const path of TELEMETRY_PATHS) only(path);
  for (const endpoint of ENDPOINTS) {
    const path = API_ROOT + endpoint.path.replaceAll(/\{(\w+)\}/g, ":$1");
    app.get(path, (context) => answer(context, endpoint, options));
    if (endpoint !== BACKFILL) only(path);
  }
  app.post(`${API_ROOT}${BACKFILL.path}`, (context) => beginBackfill(context, options));
  app.post(`${API_ROOT}/reload`, (context) => reload(context, options));
  only(`${API_ROOT}${BACKFILL.path}`, "GET, HEAD, POST");
  only(`${API_ROOT}/reload`, "POST");
  const document = `${API_ROOT}/openapi.json`;
  app.get(document, (context) => context.json(openApiDocument(ENDPOINTS, version) as object));
  only(document);
  for (const [path, route] of new TardisRoutes(options).paths) {
    app.get(path, route);
    only(path);
  }
  addPageRoutes(app, options.page.files, options.page.dir);
  for (const path of PAGE_PATHS) only(path);
  app.get(`${API_ROOT}/overview`, (context) => overview.once(context));
  app.get(`${API_ROOT}/overview/events`, (context) => overview.events(context));
  only(`${API_ROOT}/overview`);
  only(`${API_ROOT}/overview/events`);
  for (const [path, route] of LIVE_ROUTES) {
    app.get(path, (context) => route(context, options));
    only(path);
  }
  app.notFound((context) => context.json({ error: "not found", paths }, 404));
  app.onError((error, context) => {
    const text = secrets.hide(error.message);
    return context.json({ error: `A bug of the program: ${text}` }, 500);
  });
  return app;
}

async function answer(
  context: Context<ApiEnv>,
  endpoint: Endpoint,
  { facts, secrets }: ApiServerOptions,
): Promise<Response> {
  const query = new URL(context.req.url).searchParams;
  const asked = readParameters(endpoint.parameters, { path: context.req.param(), query });
  if (typeof asked === "string") return context.json({ error: asked }, 400);
  const body = await endpoint.answer(facts, asked);
  if (body === null) return context.json({ error: "not found" }, 404);
  return context.json(secrets.hideIn(body) as object, 200, { "cache-control": "no-store" });
}

function areaOf(path: string): Area {
  if ((TELEMETRY_PATHS as readonly string[]).includes(path)) return "health";
  return PAGE_PATHS.includes(path) ? "page" : "api";
}
