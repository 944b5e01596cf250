import type { EngineOptions, GroupEngine } from "./engine.ts";

/** Connects to a group's engine and makes the bucket or table there. Rejects with a `Failure`. */
export async function openEngine(options: EngineOptions): Promise<GroupEngine> {
  switch (options.plan.engine) {
    case "nats": {
      const { openNatsEngine } = await import("./nats_engine.ts");
      return await openNatsEngine(options);
    }
    case "postgres": {
      const { openPostgresEngine } = await import("./postgres_engine.ts");
      return await openPostgresEngine(options);
    }
  }
}
