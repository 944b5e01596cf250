import type { Host } from "../host/mod.ts";
import { Failure } from "../model/mod.ts";

/** Runs long work that SIGINT or SIGTERM may end: `pause` then rejects with `message`. */
export async function interruptible<T>(
  host: Host,
  message: string,
  work: (pause: () => Promise<void>, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const abort = new AbortController();
  const interrupt = () => abort.abort();
  host.signals.on("SIGINT", interrupt);
  host.signals.on("SIGTERM", interrupt);
  try {
    return await work(async () => {
      await host.clock.sleep(0);
      if (abort.signal.aborted) throw new Failure("cancelled", message);
    }, abort.signal);
  } finally {
    host.signals.off("SIGINT", interrupt);
    host.signals.off("SIGTERM", interrupt);
  }
}
