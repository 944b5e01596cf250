import type { Host, Supervisor } from "../host/mod.ts";
import type { Service } from "../service/mod.ts";

/** How often the state is told, in ms, if the watchdog does not want it sooner. */
const TELL_MS = 5_000;

/**
 * Tells the service manager how a run is: when it is ready, a line about its state, that it lives, when it reads its
 * configuration again and when it stops. The watchdog hears only of a process whose timers run: one that hangs is
 * killed and started again.
 */
export class ToldSupervisor {
  readonly #host: Host;
  readonly #service: Service;
  readonly #supervisor: Supervisor;
  readonly #everyMs: number;
  #timer: { cancel(): void } | null = null;

  private constructor(host: Host, service: Service, supervisor: Supervisor) {
    this.#host = host;
    this.#service = service;
    this.#supervisor = supervisor;
    const { watchdogMs } = supervisor;
    this.#everyMs = watchdogMs === null ? TELL_MS : Math.min(TELL_MS, watchdogMs / 2);
  }

  /** Null if nobody supervises. */
  static of(host: Host, service: Service): ToldSupervisor | null {
    const supervisor = host.supervisor?.() ?? null;
    return supervisor === null ? null : new ToldSupervisor(host, service, supervisor);
  }

  /** Health is served: whatever depends on this service may start. */
  ready(): void {
    void this.#supervisor.tell(["READY=1", this.#state()]);
    this.#tellLater();
  }

  /** Reads the configuration again. */
  async reload(work: () => Promise<void>): Promise<void> {
    await this.#supervisor.tell(["RELOADING=1", "STATUS=Reading the configuration again"]);
    await work();
    await this.#supervisor.tell(["READY=1", this.#state()]);
  }

  async stopping(): Promise<void> {
    this.#timer?.cancel();
    await this.#supervisor.tell(["STOPPING=1", "STATUS=Delivering what is synced"]);
  }

  close(): void {
    this.#timer?.cancel();
    this.#supervisor.close();
  }

  #tellLater(): void {
    this.#timer = this.#host.clock.after(this.#everyMs, () => {
      void this.#supervisor.tell(["WATCHDOG=1", this.#state()]);
      this.#tellLater();
    });
  }

  #state(): string {
    const { instances, problems } = this.#service.status;
    const connections = instances.flatMap((instance) => instance.connections);
    const live = connections.reduce((sum, { streams }) => sum + streams.live, 0);
    const all = connections.reduce((sum, { streams }) => sum + Object.values(streams).reduce((a, b) => a + b, 0), 0);
    const [first] = problems;
    const trouble = first === undefined ? "" : `; ${problems.length} problems, first: ${first.text}`;
    return `STATUS=${live} of ${all} streams live${trouble}`.replaceAll(/[\r\n]+/g, " ").slice(0, 500);
  }
}
