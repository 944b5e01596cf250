import type { Supervisor } from "./host.ts";

/**
 * The service manager that started the process, as systemd's sd_notify(3) describes it: states go as datagrams to the socket
 * that `NOTIFY_SOCKET` names. Null where there is none, or where the platform has no such sockets. `WATCHDOG_USEC` says how
 * often it wants to hear of a process whose id is `WATCHDOG_PID`, or of any where that is not set.
 */
export function systemSupervisor(environment: (name: string) => string | undefined): Supervisor | null {
  const path = environment("NOTIFY_SOCKET");
  if (path === undefined || !/^[/@]./.test(path) || typeof Deno.listenDatagram !== "function") return null;
  // The manager takes datagrams of sockets without a name, which cannot be made here: this one has a name that is let go.
  const own = openOwn();
  if (own === null) return null;
  const address = { transport: "unixpacket", path: path.startsWith("@") ? `\0${path.slice(1)}` : path } as const;
  const watchdogPid = environment("WATCHDOG_PID");
  const watchdogUs = Number(environment("WATCHDOG_USEC") ?? "");
  const isWatched = watchdogUs > 0 && (watchdogPid === undefined || Number(watchdogPid) === Deno.pid);
  return {
    watchdogMs: isWatched ? watchdogUs / 1000 : null,
    tell: async (lines) => {
      try {
        await own.send(new TextEncoder().encode(lines.join("\n")), address);
        return true;
      } catch {
        // A manager that is gone is told nothing, and a process goes on without one.
        return false;
      }
    },
    close: () => own.close(),
  };
}

function openOwn(): Deno.DatagramConn | null {
  let dir: string | null = null;
  try {
    dir = Deno.makeTempDirSync({ prefix: "collector-notify-" });
    return Deno.listenDatagram({ transport: "unixpacket", path: `${dir}/socket` });
  } catch {
    // Without the right to make one, or without the feature, there is nobody to tell.
    return null;
  } finally {
    if (dir !== null) Deno.removeSync(dir, { recursive: true });
  }
}
