import type { Host, Supervisor } from "../host/mod.ts";
import type { Service } from "../service/mod.ts";

/** Interval of state messages, in ms, if the watchdog needs none sooner. */
const TELL_MS = 5_000;

/**
 * Reports a run to the service manager: readiness, a line about its state, watchdog pings, reloads and the stop. Pings
 * come from timers, so that a hanging process is killed and started again.
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

  /** Returns null if there is no service manager. */
  static of(host: Host, service: Service): ToldSupervisor | null {
    const supervisor = host.supervisor?.() ?? null;
    return supervisor === null ? null : new ToldSupervisor(host, service, supervisor);
  }

  /** Reports readiness, once health is served. */
  ready(): void {
    void this.#supervisor.tell(["READY=1", this.#state()]);
    this.#tellLater();
  }

  /** Reports a reload and runs it. */
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
