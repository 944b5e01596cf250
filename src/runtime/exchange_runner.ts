import type { Host } from "../host/mod.ts";
import {
  type ConnectionStatus,
  type Observer,
  type RunnableExchange,
  type SessionId,
  type Stream,
  unreachable,
} from "../model/mod.ts";
import { type HostLimits, type InstanceLimits, RestRunner } from "../rest/mod.ts";
import { createSession, type Session } from "../session/mod.ts";
import type { Intake } from "./intake.ts";
import { BookResyncer } from "./book_resyncer.ts";
import { type BookResync, connectionIdOf, type PipelineResult } from "../derive/mod.ts";

export interface ExchangeRunnerOptions {
  readonly name: string;
  readonly descriptorHash: string;
  readonly runnable: RunnableExchange;
  readonly intake: Intake;
  readonly host: Host;
  readonly observe: Observer;
  /** Shared by all instances. */
  readonly limits: HostLimits;
}

/**
 * Runs one exchange instance: a session for each of its connections and its REST calls. What happens to it touches no
 * other instance.
 */
export class ExchangeRunner {
  readonly #options: ExchangeRunnerOptions;
  readonly #sessions: Session[];
  readonly #limits: InstanceLimits;
  readonly #rest: RestRunner;
  readonly #resyncer: BookResyncer;

  constructor(options: ExchangeRunnerOptions) {
    this.#options = options;
    const { name, runnable, host, observe, intake } = options;
    this.#limits = options.limits.of(name);
    this.#rest = new RestRunner({
      limits: this.#limits,
      exchange: name,
      plan: runnable.rest,
      host,
      observe,
      onAnswer: (record) => this.#resync(intake.takeHttp(record)),
    });
    this.#resyncer = new BookResyncer({
      clock: host.clock,
      isWhole: (resync) => intake.isBookValid(resync),
      execute: (resync) => this.#execute(resync),
    });
    this.#sessions = runnable.connections.map((plan) => {
      const connectionId = connectionIdOf(plan.key);
      const streams: Stream[] = plan.requests.flatMap((r) => r.items.flatMap((item) => item.streams));
      const session: Session = createSession({
        exchange: name,
        plan,
        controls: runnable.frames.controls,
        host,
        openGate: this.#limits,
        observe,
        sink: {
          opened: (url, at) => {
            const { descriptorHash } = options;
            const opened = {
              kind: "opened",
              at,
              exchange: name,
              connection: plan.key,
              url,
              descriptorHash,
              planHash: null,
              streams,
            } as const;
            return intake.append(opened).offset;
          },
          frame: (id, payload, binary, receivedTs) => {
            const taken = intake.takeFrame(id, name, { at: receivedTs, binary, payload });
            if (taken === null) return;
            if (taken.signal !== null) session.acceptSignal(taken.signal, receivedTs);
            for (const { channel, symbol } of taken.streams) session.acceptData(channel, symbol);
            this.#resync(taken);
          },
          acked: (id, acked, at) => {
            intake.acked(id, acked, at);
            this.#rest.streamsAcked(id, connectionId, acked);
          },
          rejected: (id, rejected, reason, at) => intake.rejected(id, rejected, reason, at),
          closed: (id: SessionId, cause, code, reason, at) => {
            this.#rest.sessionClosed(id);
            this.#resyncer.sessionClosed(id);
            intake.endSession(id, at, cause, code, reason);
          },
        },
      });
      return session;
    });
  }

  get name(): string {
    return this.#options.name;
  }

  /** How each connection is doing. */
  get connections(): readonly ConnectionStatus[] {
    return this.#sessions.map((session) => session.status);
  }

  start(): void {
    for (const session of this.#sessions) session.start();
    this.#rest.start();
  }

  /** Stops reading from the sockets, or goes on. */
  setPaused(paused: boolean): void {
    for (const session of this.#sessions) {
      if (paused) session.pause();
      else session.resume();
    }
  }

  async stop(): Promise<void> {
    this.#rest.stop();
    this.#resyncer.stop();
    await Promise.all(this.#sessions.map((session) => session.stop()));
    this.#limits.release();
  }

  /** Hands on what books ask for. */
  #resync({ resyncs }: PipelineResult): void {
    for (const resync of resyncs) {
      const session = this.#sessionOf(resync);
      if (session === undefined) continue;
      const { name, observe } = this.#options;
      const { symbol, cause, action } = resync;
      observe({ kind: "book_resync", exchange: name, symbol, cause, action });
      this.#resyncer.request(resync, session.status.key);
    }
  }

  #execute(resync: BookResync): void {
    const session = this.#sessionOf(resync);
    if (session === undefined) return;
    const { action, rule, symbol, native, cause } = resync;
    const why = `book of ${symbol === "" ? "the session" : symbol}: ${cause}`;
    switch (action) {
      case "reconnect":
        return session.reconnect(why);
      case "resubscribe":
        // Where a stream cannot be asked for anew on its socket, a new socket has to do.
        if (!session.resubscribe({ channel: "book", symbol })) session.reconnect(why);
        return;
      case "rest":
        if (rule?.snapshotRequest != null) this.#rest.ask(resync.session, rule.snapshotRequest, native);
        return;
      case "request": {
        if (rule != null && Object.hasOwn(rule.requests, native)) session.ask(rule.requests[native]);
        return;
      }
      default:
        return unreachable(action);
    }
  }

  #sessionOf({ session: id }: BookResync): Session | undefined {
    return this.#sessions.find(({ status }) => status.sessionId === id);
  }
}
