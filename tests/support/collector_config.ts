import { loadConfig, type LoadedConfig } from "../../src/config/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import type { FramePlan, Plan } from "../../src/model/mod.ts";
import type { Simulator } from "../../src/simulator/mod.ts";

const SHIPPED = new URL("../../config", import.meta.url).pathname;

/** What a test wants of a `collector.toml`. */
export interface ConfigText {
  readonly httpPort: number;
  readonly dataDir: string;
  /** TOML that follows `[journal]`. */
  readonly journal?: string;
  /** Whole `[[sink]]` tables. */
  readonly sinks?: string;
  /** Whole `[[exchange]]` tables. */
  readonly exchanges: string;
  readonly run?: string;
}

/** The text of a `collector.toml`. */
export function configText({ httpPort, dataDir, journal, sinks, exchanges, run }: ConfigText): string {
  return `[run]
http_port = ${httpPort}
data_dir = ${JSON.stringify(dataDir)}
log_level = "info"
log_format = "json"
${run ?? ""}
[journal]
${journal ?? ""}

${sinks ?? ""}

${exchanges}
`;
}

/** An instance of the shipped descriptor that speaks a simulator's dialect. */
export function simulatedExchange(
  simulator: Simulator,
  options: { readonly symbols: readonly string[]; readonly channels: readonly string[] },
): string {
  const { ws, rest } = simulator.urls;
  const urls = simulator.dialect === "okx"
    ? `{ public = ["${ws.public}"], derivatives = ["${ws.public}"], business = ["${ws.business}"] }`
    : `["${ws.stream ?? ws.public}"]`;
  return `[[exchange]]
name = "${simulator.dialect}"
descriptor_path = "builtin:${simulator.dialect}"
symbols = ${JSON.stringify(options.symbols)}
channels = ${JSON.stringify(options.channels)}
[exchange.overrides]
urls = ${urls}
${simulator.dialect === "kraken" ? "" : `base_urls = ["${rest}"]`}
`;
}

/** Loads a configuration file as the program does; throws with its issues where it is broken. */
export function loadPlan(path: string): Plan {
  const { files } = denoHost();
  const loaded: LoadedConfig = loadConfig({
    path,
    readText: (file) => files.readTextSync(file),
    environment: () => undefined,
    builtin: (name) => {
      const shipped = `${SHIPPED}/exchanges/${name}.toml`;
      const text = files.readTextSync(shipped);
      return text === null ? null : { path: shipped, text };
    },
  });
  const errors = loaded.issues.filter((issue) => issue.severity === "error");
  if (loaded.plan === null || errors.length > 0) {
    throw new Error(errors.map((issue) => `${issue.file}:${issue.line}: ${issue.message}`).join("\n"));
  }
  return loaded.plan;
}

/** What the pipeline has to know of each running instance. */
export function framePlansOf(plan: Plan): readonly FramePlan[] {
  return plan.exchanges.flatMap(({ runnable }) => runnable === null ? [] : [runnable.frames]);
}
