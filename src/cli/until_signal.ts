import type { Host } from "../host/mod.ts";

/** Resolves at the first Ctrl-C or SIGTERM. */
export function untilSignal(host: Host): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      host.signals.off("SIGINT", end);
      host.signals.off("SIGTERM", end);
      resolve();
    };
    host.signals.on("SIGINT", end);
    host.signals.on("SIGTERM", end);
  });
}
