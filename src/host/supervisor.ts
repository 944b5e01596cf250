import type { Supervisor } from "./host.ts";

/**
 * Returns the service manager that started the process, by systemd's sd_notify(3): states are sent as datagrams to the
 * socket in `NOTIFY_SOCKET`. Null if there is none, or the platform has no such sockets. `WATCHDOG_USEC` is the
 * watchdog interval for the process with id `WATCHDOG_PID`, or for any if that is not set.
 */
export function systemSupervisor(environment: (name: string) => string | undefined): Supervisor | null {
  const path = environment("NOTIFY_SOCKET");
  if (path === undefined || !/^[/@]./.test(path) || typeof Deno.listenDatagram !== "function") return null;
  // The manager expects datagrams of unnamed sockets, which Deno cannot create: this socket has a name that is removed
  // at once.
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
        // The manager is gone; the process goes on without it.
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
    // Without the permission or the feature there is no supervisor.
    return null;
  } finally {
    if (dir !== null) Deno.removeSync(dir, { recursive: true });
  }
}
