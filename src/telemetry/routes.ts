import type { Env, Hono } from "hono";
import type { Secrets, ServiceStatus } from "../model/mod.ts";
import { healthBody, isReady, problemBody } from "./health.ts";
import type { Metrics } from "./metrics.ts";

/** Sources of health and metrics. */
export interface TelemetryFacts {
  /** Called anew for each request. */
  readonly snapshot: () => ServiceStatus;
  readonly metrics: Metrics;
  /** Values to hide in every answer. */
  readonly secrets: Secrets;
}

/** Paths of health and metrics. */
export const TELEMETRY_PATHS = ["/healthz", "/readyz", "/metrics"] as const;

/** Adds /healthz, /readyz and /metrics, which answer also while the configuration is broken. */
export function addTelemetryRoutes<E extends Env>(app: Hono<E>, { snapshot, metrics, secrets }: TelemetryFacts): void {
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
}
