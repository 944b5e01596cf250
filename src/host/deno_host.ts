import { Secrets } from "../model/mod.ts";
import { systemClock } from "./clock.ts";
import { socketDialer } from "./dialer.ts";
import { httpFetcher } from "./fetcher.ts";
import { systemFiles } from "./files.ts";
import type { Host } from "./host.ts";
import { systemListener } from "./listener.ts";
import { systemSupervisor } from "./supervisor.ts";
import {
  machineName,
  onUncaught,
  systemCompressor,
  systemEnvironment,
  systemRandom,
  systemSignals,
  systemTerminal,
} from "./system.ts";

/** Returns the outside world of Deno. */
export function denoHost(): Host {
  const clock = systemClock();
  const files = systemFiles();
  const secrets = new Secrets();
  const terminal = systemTerminal(clock, secrets);
  return {
    clock,
    files,
    dialer: socketDialer(clock, files),
    fetcher: httpFetcher(clock, files),
    listener: systemListener(clock),
    signals: systemSignals(),
    random: systemRandom(),
    compressor: systemCompressor(),
    environment: systemEnvironment(),
    supervisor: () => systemSupervisor(systemEnvironment().get),
    secrets,
    terminal,
    onUncaught,
    exit: (code) => {
      terminal.flushNow();
      Deno.exit(code);
    },
    processId: Deno.pid,
    machineName,
    isStandalone: Deno.build.standalone,
  };
}
