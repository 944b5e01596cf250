/**
 * Shows how the program is doing. In: observations and status snapshots. Out: metrics, log lines, and the HTTP routes
 * of health and metrics. Must not know where observations come from, and must never make its caller wait.
 */
export {
  coveredConnections,
  groupBody,
  healthBody,
  type HealthStatus,
  healthStatus,
  instanceBody,
  instanceState,
  isReady,
  journalBody,
  problemBody,
  sinkBody,
} from "./health.ts";
export { createLog, type LogOptions } from "./log.ts";
export { LOG_EVENTS, type LogSpec, logSpec } from "./log_table.ts";
export { type MetricName, METRICS, type MetricSpec } from "./metric_table.ts";
export { createMetrics, type Metrics } from "./metrics.ts";
export { addTelemetryRoutes, TELEMETRY_PATHS, type TelemetryFacts } from "./routes.ts";
