import type { Host } from "../host/mod.ts";
import type { Observer, RunnableExchange, SessionId, Stream } from "../model/mod.ts";
import { createOpenGate, createSession, type Session, type SessionStatus } from "../session/mod.ts";
import type { Intake } from "./intake.ts";
import { connectionIdOf } from "./pipeline.ts";
import { RestRunner } from "./rest_runner.ts";

export interface ExchangeRunnerOptions {
  readonly name: string;
  readonly descriptorHash: string;
  readonly runnable: RunnableExchange;
  readonly intake: Intake;
  readonly host: Host;
  readonly observe: Observer;
}

/**
 * Runs one exchange instance: a session for each of its connections and its REST calls. What happens to it touches no
 * other instance.
 */
export class ExchangeRunner {
  readonly #options: ExchangeRunnerOptions;
  readonly #sessions: Session[];
  readonly #rest: RestRunner;

  constructor(options: ExchangeRunnerOptions) {
    this.#options = options;
    const { name, runnable, host, observe, intake } = options;
    this.#rest = new RestRunner({
      exchange: name,
      plan: runnable.rest,
      host,
      observe,
      onAnswer: (record) => intake.takeHttp(record),
    });
    const openGate = createOpenGate(host.clock);
    this.#sessions = runnable.connections.map((plan) => {
      const connectionId = connectionIdOf(plan.key);
      const streams: Stream[] = plan.requests.flatMap((r) => r.items.flatMap((item) => item.streams));
      const session: Session = createSession({
        exchange: name,
        plan,
        controls: runnable.frames.controls,
        host,
        openGate,
        observe,
        callbacks: {
          onOpened: (url, at) => {
            const { descriptorHash } = options;
            const opened = {
              kind: "opened",
              at,
              exchange: name,
              connection: plan.key,
              url,
              descriptorHash,
              streams,
            } as const;
            return intake.append(opened).offset;
          },
          onFrame: (id, payload, binary, receivedTs) => {
            const taken = intake.takeFrame(id, name, { at: receivedTs, binary, payload });
            if (taken === null) return;
            if (taken.signal !== null) session.acceptSignal(taken.signal, receivedTs);
            for (const { channel, symbol } of taken.streams) session.acceptData(channel, symbol);
          },
          onAcked: (id, acked, at) => {
            intake.acked(id, acked, at);
            this.#rest.streamsAcked(id, connectionId, acked);
          },
          onRejected: (id, rejected, reason, at) => intake.rejected(id, rejected, reason, at),
          onClosed: (id: SessionId, cause, code, reason, at) => {
            this.#rest.sessionClosed(id);
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
  get connections(): readonly SessionStatus[] {
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
    await Promise.all(this.#sessions.map((session) => session.stop()));
  }
}
