import type { Host } from "../host/mod.ts";

/** The surroundings of the program. */
export interface ServiceContext {
  readonly host: Host;
  readonly version: string;
  /** The folder of shipped descriptors, maps and configurations; inside the executable when compiled. */
  readonly shippedDir: string;
}
