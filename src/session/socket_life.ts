import type { Connection, ConnectionCallbacks, Timer } from "../host/mod.ts";
import {
  type Channel,
  type CloseCause,
  type ControlSignal,
  type Micros,
  type Secrets,
  type SessionId,
  type SessionState,
  type Stream,
  type SubscribeRequest,
  type Template,
  unreachable,
} from "../model/mod.ts";
import type { BootValues } from "./bootstrap.ts";
import { Keepalive, type SignOfLife } from "./keepalive.ts";
import type { RollingWindow } from "../rest/mod.ts";
import type { SessionOptions } from "./session_api.ts";
import { SocketDeadlines } from "./socket_deadlines.ts";
import { causeOf, isTold, messageOf, type SocketEnd } from "./socket_end.ts";
import { SocketSender } from "./socket_sender.ts";
import type { StreamLedger } from "./stream_ledger.ts";
import { Subscriptions } from "./subscriptions.ts";

/** Close code for a normal closure (RFC 6455 section 7.4.1). */
const NORMAL_CLOSURE = 1000;

/** What a session passes to its socket. */
export interface SocketSetup {
  readonly boot: BootValues;
  /** Hides secrets in reasons. */
  readonly secrets: Secrets;
  /** Without secrets. */
  readonly url: string;
  /** Shared with the sockets before and after it. */
  readonly sendWindow: RollingWindow | null;
  readonly desired: readonly SubscribeRequest[];
  /** The connection's ledger, which outlives the socket. */
  readonly ledger: StreamLedger;
  readonly setState: (state: SessionState) => void;
  readonly sawMessage: (receivedTs: Micros) => void;
}

/**
 * The life of one socket, from its opening to its close: welcome, hello, subscriptions, keepalive and their deadlines.
 * One timer serves all deadlines; a frame only updates the time of the last sign of life. An exception of the sink, or
 * of a bug, closes the socket and does not propagate.
 */
export class SocketLife {
  /** For the dialer. */
  readonly callbacks: ConnectionCallbacks;
  readonly ended: Promise<SocketEnd>;
  readonly #options: SessionOptions;
  readonly #setup: SocketSetup;
  readonly #sender: SocketSender;
  readonly #keepalive: Keepalive;
  readonly #deadlines: SocketDeadlines;
  readonly #subscriptions: Subscriptions;
  readonly #resolveEnded: (end: SocketEnd) => void;
  #connection: Connection | null = null;
  #session: SessionId | null = null;
  #timer: Timer | null = null;
  #timerDueMs = Infinity;
  #ending: { readonly cause: CloseCause; readonly reason: string } | null = null;
  #closed = false;
  /** When the last frame was received; frames of one read share that time. */
  #lastFrameTs: Micros | null = null;
  #lastFrameMs = 0;

  /** Throws a `Failure` if the bootstrap reply has an invalid keepalive interval. */
  constructor(options: SessionOptions, setup: SocketSetup) {
    const { plan, host, sink } = options;
    this.#options = options;
    this.#setup = setup;
    this.#keepalive = new Keepalive(plan.keepalive, setup.boot);
    this.#deadlines = new SocketDeadlines(plan, this.#keepalive);
    this.#sender = new SocketSender({
      host,
      boot: setup.boot,
      window: setup.sendWindow,
      limit: plan.sendLimit,
      connection: () => this.#connection,
      onThrow: (error) => this.#fail(error),
    });
    this.#subscriptions = new Subscriptions(options, {
      ledger: setup.ledger,
      desired: setup.desired,
      socket: {
        queue: this.#sender.queue,
        send: (template) => this.#sender.send(template),
        schedule: () => this.#schedule(),
        settled: () => setup.setState({ kind: "live" }),
        acked: (streams, at) => this.#tell((session) => sink.acked(session, streams, at)),
        rejected: (streams, reason, at) => this.#tell((session) => sink.rejected(session, streams, reason, at)),
        stalled: (stream, stall) =>
          this.#tell((session) => sink.stalled(session, stream, stall, host.clock.nowMicros())),
        replace: (isElsewhere, reason) => this.close(isElsewhere ? "stale" : "notice", reason),
      },
    });
    const { promise, resolve } = Promise.withResolvers<SocketEnd>();
    this.ended = promise;
    this.#resolveEnded = resolve;
    this.callbacks = {
      onFrame: (payload, binary, receivedTs) => this.#onFrame(payload, binary, receivedTs),
      onPing: () => {
        // The socket answers by itself; the answer still counts as sent.
        this.#sender.queue.countPong();
        this.#received("frame");
      },
      onPong: () => this.#received("pong_frame"),
      onClose: (code, reason) => this.#onClose(code, reason),
    };
  }

  /** Null before the socket is open and after it is closed. */
  get sessionId(): SessionId | null {
    return this.#closed ? null : this.#session;
  }

  /** Begins the life with an open socket. */
  begin(connection: Connection): void {
    this.#connection = connection;
    this.#guard(() => this.#begin(connection));
  }

  #begin(connection: Connection): void {
    const { plan, host, exchange, observe, sink } = this.#options;
    const { url, setState } = this.#setup;
    this.#deadlines.opened(this.#nowMs());
    const session = sink.opened(url, host.clock.nowMicros());
    this.#session = session;
    observe({ kind: "session_opened", exchange, connection: plan.key, session, url });
    if (this.#deadlines.paused) connection.pause();
    setState({ kind: plan.awaitsWelcome ? "welcoming" : "subscribing" });
    this.#tick();
  }

  acceptSignal(signal: ControlSignal, receivedTs: Micros): void {
    if (this.#closed || this.#ending !== null) return;
    const words = signal.reason === null ? null : this.#setup.secrets.hide(signal.reason);
    switch (signal.action) {
      case "ignore":
      case "history":
        break;
      case "pong":
        this.#keepalive.received("pong_signal");
        break;
      case "welcome":
        this.#deadlines.welcomed();
        this.#tick();
        break;
      case "ack":
        this.#subscriptions.acknowledge(signal, words, receivedTs);
        break;
      case "reject":
        this.#subscriptions.reject(signal, words, receivedTs);
        break;
      case "reply":
        this.#reply(signal);
        break;
      case "reconnect":
        this.close("notice", words ?? signal.rule);
        break;
      default:
        unreachable(signal.action);
    }
  }

  acceptData(channel: Channel, symbol: string, receivedTs: Micros): void {
    if (!this.#closed && this.#ending === null) this.#subscriptions.see(channel, symbol, receivedTs);
  }

  /** Applies the difference to the desired requests; returns undesired streams that keep coming. */
  setDesired(requests: readonly SubscribeRequest[]): readonly Stream[] {
    return this.#closed || this.#ending !== null ? [] : this.#subscriptions.setDesired(requests);
  }

  /** Subscribes again to a stream; false if that is not possible on this socket. */
  resubscribe(stream: Stream): boolean {
    if (this.#closed || this.#ending !== null || !this.#deadlines.sending) return false;
    return this.#subscriptions.resubscribe(stream);
  }

  ask(message: Template): void {
    if (!this.#deadlines.sending || this.#closed || this.#ending !== null) return;
    this.#sender.request(message);
  }

  pause(): void {
    this.#deadlines.pause(this.#nowMs());
    this.#connection?.pause();
  }

  resume(): void {
    if (!this.#deadlines.paused) return;
    this.#subscriptions.postpone(this.#deadlines.resume(this.#nowMs()));
    this.#connection?.resume();
    this.#schedule();
  }

  /** Starts closing; the life ends when the socket reports its close. Only the first call counts. */
  close(cause: CloseCause, reason: string): void {
    if (this.#closed || this.#ending !== null) return;
    this.#ending = { cause, reason };
    this.#stopWork();
    this.#setup.setState({ kind: "closing" });
    this.#connection?.close(NORMAL_CLOSURE, "");
  }

  /** Records a frame, even while closing, because it was received. */
  #onFrame(payload: Uint8Array, binary: boolean, receivedTs: Micros): void {
    const { exchange, sink, observe } = this.#options;
    if (receivedTs !== this.#lastFrameTs) {
      this.#lastFrameTs = receivedTs;
      this.#lastFrameMs = this.#nowMs();
      this.#setup.sawMessage(receivedTs);
    }
    this.#deadlines.received("frame", this.#lastFrameMs);
    try {
      if (this.#session !== null) return sink.frame(this.#session, payload, binary, receivedTs);
    } catch (error) {
      this.#fail(error);
    }
    const reason = this.#ending?.reason ?? "no session";
    observe({ kind: "frames_dropped", exchange, frames: 1, reason });
  }

  /** Calls the sink if a session is open. */
  #tell(call: (session: SessionId) => void): void {
    const session = this.#session;
    if (session !== null) this.#guard(() => call(session));
  }

  /** Runs a part of the life; an exception closes the socket. */
  #guard(call: () => void): void {
    try {
      call();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    this.close(causeOf(error), this.#setup.secrets.hide(messageOf(error)));
  }

  #received(sign: SignOfLife): void {
    this.#deadlines.received(sign, this.#nowMs());
  }

  #onClose(code: number | null, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopWork();
    const { plan, host, exchange, observe, sink } = this.#options;
    const { cause, reason: words } = this.#ending ??
      { cause: code === null ? "error" as const : "peer" as const, reason: this.#setup.secrets.hide(reason) };
    const livedMs = this.#deadlines.livedMs(this.#nowMs());
    const session = this.#session;
    let owed: (() => void) | null = null;
    if (session !== null) {
      const at = host.clock.nowMicros();
      const tell = () => sink.closed(session, cause, code, words, at);
      if (!isTold(tell)) owed = tell;
      observe({ kind: "session_closed", exchange, connection: plan.key, cause, code, reason: words });
    }
    this.#resolveEnded({ cause, reason: words, livedMs, settled: this.#subscriptions.settled, owed });
  }

  #stopWork(): void {
    this.#sender.queue.close();
    this.#timer?.cancel();
    this.#timer = null;
  }

  #nowMs(): number {
    return this.#options.host.clock.monotonicMs();
  }

  /** Does what is due and sets the timer for the next deadline. */
  #tick(): void {
    const nowMs = this.#nowMs();
    const { plan } = this.#options;
    if (this.#deadlines.beginSending(nowMs)) this.#startSending();
    const overdue = this.#deadlines.findOverdue(nowMs);
    if (overdue !== null) return this.close(overdue.cause, overdue.reason);
    if (this.#deadlines.isPingDue(nowMs)) this.#ping(nowMs);
    if (!this.#deadlines.paused && this.#subscriptions.expire(nowMs, this.#deadlines.lastReceivedMs)) {
      return this.close("stale", `no stream showed data within ${plan.firstDataTimeoutMs} ms`);
    }
    this.#schedule();
  }

  /** Resets the timer if something is due before it. A timer that fires too early only checks again. */
  #schedule(): void {
    if (this.#closed || this.#ending !== null || this.#connection === null) return;
    const { paused, nextDueMs } = this.#deadlines;
    const dueMs = paused ? nextDueMs : Math.min(nextDueMs, this.#subscriptions.nextDueMs);
    if (dueMs === Infinity || (this.#timer !== null && this.#timerDueMs <= dueMs)) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = this.#options.host.clock.after(Math.max(0, Math.ceil(dueMs - this.#nowMs())), () => {
      this.#timer = null;
      this.#guard(() => this.#tick());
    });
  }

  #startSending(): void {
    const { plan } = this.#options;
    if (plan.awaitsWelcome) this.#setup.setState({ kind: "subscribing" });
    for (const template of plan.hello) this.#sender.request(template);
    this.#subscriptions.start();
  }

  #ping(nowMs: number): void {
    this.#keepalive.pinged(nowMs);
    this.#sender.ping(this.#options.plan.keepalive, () => {
      this.#keepalive.sent(this.#nowMs());
      this.#schedule();
    });
  }

  #reply(signal: ControlSignal): void {
    const reply = this.#options.controls[signal.ruleIndex]?.reply ?? null;
    if (reply !== null) {
      const { capture, captures } = signal;
      this.#sender.answer(reply, { capture: capture ?? "", ...(captures === undefined ? {} : { captures }) });
    }
  }
}
