import { Hono } from "hono";
import type { HttpServer, Listener } from "../host/mod.ts";
import { Secrets, type ServiceStatus } from "../model/mod.ts";
import { healthBody, isReady, problemBody } from "./health.ts";
import type { Metrics } from "./metrics.ts";

export interface TelemetryServerOptions {
  readonly listener: Listener;
  readonly host: string;
  readonly port: number;
  /** Taken anew for each request. */
  readonly snapshot: () => ServiceStatus;
  readonly metrics: Metrics;
  /** Values that no answer shows. Default: none. */
  readonly secrets?: Secrets;
}

const PATHS = ["/healthz", "/readyz", "/metrics"];

/**
 * Serves /healthz, /readyz and /metrics for as long as the process lives, also while the configuration is broken. Rejects
 * with a `Failure` where the address cannot be bound.
 */
export function serveTelemetry(options: TelemetryServerOptions): Promise<HttpServer> {
  const { listener, host, port } = options;
  const app = createApp(options.snapshot, options.metrics, options.secrets);
  return listener.serveHttp({ host, port }, (request) => app.fetch(request));
}

/** The routes alone, for a request that came some other way. */
export function createApp(
  snapshot: () => ServiceStatus,
  metrics: Metrics,
  secrets: Secrets = new Secrets(),
): Hono {
  const app = new Hono();
  app.get("/healthz", (context) => {
    const { status, body } = healthBody(snapshot());
    return context.json(secrets.hideIn(body) as object, status);
  });
  app.get("/readyz", (context) => {
    const status = snapshot();
    const ready = isReady(status);
    return context.json({ ready, problems: secrets.hideIn(status.problems.map(problemBody)) }, ready ? 200 : 503);
  });
  app.get("/metrics", async (context) => {
    const text = await metrics.render(snapshot());
    return context.body(text, 200, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
  });
  for (const path of PATHS) {
    app.all(path, (context) => context.json({ error: "method not allowed" }, 405, { allow: "GET, HEAD" }));
  }
  app.notFound((context) => context.json({ error: "not found", paths: PATHS }, 404));
  return app;
}
