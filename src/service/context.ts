import type { Host } from "../host/mod.ts";

/** What the program runs with. */
export interface ServiceContext {
  readonly host: Host;
  readonly version: string;
  /** The folder of shipped descriptors, maps and configurations; inside the executable when compiled. */
  readonly shippedDir: string;
}
