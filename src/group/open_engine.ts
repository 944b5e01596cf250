import type { EngineOptions, GroupEngine } from "./engine.ts";

/** Connects to the engine of a group, and makes there what the group needs. Rejects with a `Failure`. */
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
