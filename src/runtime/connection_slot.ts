import type { Clock, Random, Timer } from "../host/mod.ts";
import {
  type ConnectionPlan,
  ROTATION_LEAD_MS_MAX,
  ROTATION_LOOK_MS,
  ROTATION_SETTLE_MS,
  type SessionId,
  type SubscribeRequest,
} from "../model/mod.ts";
import type { DesiredOutcome, Session } from "../session/mod.ts";

export interface ConnectionSlotOptions {
  readonly plan: ConnectionPlan;
  readonly clock: Clock;
  readonly random: Random;
  readonly createSession: (plan: ConnectionPlan) => Session;
  /** Returns a key of the same connection that no session uses. */
  readonly freeKey: () => string;
  /** Whether every book that is valid in one session is valid in the other. */
  readonly hasBooks: (of: SessionId, after: SessionId) => boolean;
}

/**
 * Runs one connection of the plan: a session and, if the exchange limits the age of sockets, its successor. The
 * successor opens before the time is up. Once it shows all streams of its predecessor, and a moment longer, the
 * predecessor is closed. If it does not get there in time, the predecessor reconnects by itself.
 */
export class ConnectionSlot {
  readonly #options: ConnectionSlotOptions;
  #current: Session;
  #next: Session | null = null;
  #timer: Timer | null = null;
  /** When the successor first showed everything, monotonic; null while it does not. */
  #readyMs: number | null = null;
  /** When the sockets in use were opened, monotonic. */
  readonly #openedMs = new Map<Session, number>();
  #stopping = false;
  #requests: readonly SubscribeRequest[];
  /** Sessions that were replaced, until they have ended. */
  readonly #leaving = new Set<Promise<void>>();

  constructor(options: ConnectionSlotOptions) {
    this.#options = options;
    this.#requests = options.plan.requests;
    this.#current = options.createSession(options.plan);
  }

  /** Key of the connection in the plan. */
  get key(): string {
    return this.#options.plan.key;
  }

  /** The session whose state is that of the connection. */
  get current(): Session {
    return this.#current;
  }

  /** The current session, and its successor while there is one. */
  get sessions(): readonly Session[] {
    return this.#next === null ? [this.#current] : [this.#current, this.#next];
  }

  start(): void {
    this.#current.start();
  }

  /** Notes that a session has opened a socket. */
  opened(session: Session): void {
    this.#openedMs.set(session, this.#options.clock.monotonicMs());
    if (session === this.#current) this.#plan();
  }

  /** Notes that the socket of a session is gone. */
  closed(session: Session): void {
    if (session !== this.#current || this.#stopping) return;
    this.#timer?.cancel();
    const next = this.#next;
    if (next === null) return;
    // Whether the socket's time was up or it broke: an open successor takes over.
    if (next.sessionId === null) return this.#leave(next);
    this.#promote(next);
  }

  setDesired(
    requests: readonly SubscribeRequest[],
  ): readonly { readonly session: Session; readonly outcome: DesiredOutcome }[] {
    this.#requests = requests;
    return this.sessions.map((session) => ({ session, outcome: session.setDesired(requests) }));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#timer?.cancel();
    await Promise.all([...this.sessions.map((session) => session.stop()), ...this.#leaving]);
  }

  /**
   * Schedules the opening of a successor, at a random time so that the sockets of a machine do not all rotate at once.
   */
  #plan(): void {
    const { plan: { maxAgeMs }, clock, random } = this.#options;
    this.#timer?.cancel();
    if (maxAgeMs === null) return;
    const leadMs = Math.min(ROTATION_LEAD_MS_MAX, maxAgeMs / 10);
    const ageMs = clock.monotonicMs() - (this.#openedMs.get(this.#current) ?? clock.monotonicMs());
    this.#timer = clock.after(Math.max(0, maxAgeMs - leadMs * (1 + random.next()) - ageMs), () => this.#begin());
  }

  #begin(): void {
    const { plan, createSession, freeKey } = this.#options;
    if (this.#stopping || this.#next !== null) return;
    this.#readyMs = null;
    this.#next = createSession({ ...plan, key: freeKey(), requests: this.#requests });
    this.#next.start();
    this.#lookLater();
  }

  #lookLater(): void {
    this.#timer = this.#options.clock.after(ROTATION_LOOK_MS, () => this.#look());
  }

  #look(): void {
    const next = this.#next;
    if (this.#stopping || next === null) return;
    const nowMs = this.#options.clock.monotonicMs();
    if (!this.#isReady(next)) this.#readyMs = null;
    else this.#readyMs ??= nowMs;
    if (this.#readyMs === null || nowMs - this.#readyMs < ROTATION_SETTLE_MS) return this.#lookLater();
    this.#promote(next);
  }

  /**
   * Whether a successor misses nothing: each stream has data there, or had none here since it was acknowledged there.
   */
  #isReady(next: Session): boolean {
    const [of, after] = [this.#current.sessionId, next.sessionId];
    if (of === null || after === null) return false;
    const coming = new Map([...next.streams].map((entry) => [`${entry.stream.channel}:${entry.stream.symbol}`, entry]));
    for (const { stream, desired, live, lastDataTs } of this.#current.streams) {
      if (!desired || !live) continue;
      const entry = coming.get(`${stream.channel}:${stream.symbol}`);
      if (entry === undefined) return false;
      if (entry.live) continue;
      if (!entry.acked || (lastDataTs ?? 0) > entry.since) return false;
    }
    return this.#options.hasBooks(of, after);
  }

  #promote(next: Session): void {
    const before = this.#current;
    this.#current = next;
    this.#leave(before);
    this.#plan();
  }

  /** Ends a session that another one has replaced. */
  #leave(session: Session): void {
    this.#next = null;
    this.#openedMs.delete(session);
    const end = { cause: "max_age", reason: "another socket of the connection shows its streams" } as const;
    const leaving = session.stop(end).finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }
}
