import {
  BACKOFF_RESET_MS,
  type Channel,
  type CloseCause,
  type ConnectionStatus,
  type ControlSignal,
  DIAL_TIMEOUT_MS,
  Failure,
  FRAME_BYTES_MAX,
  type Micros,
  renderTemplate,
  Secrets,
  type SessionId,
  type SessionState,
  type Stream,
  streamKey,
  type SubscribeRequest,
  type Template,
} from "../model/mod.ts";
import { backoffMs } from "./backoff.ts";
import { type BootValues, fetchBootstrap } from "./bootstrap.ts";
import { hostOf, type RollingWindow } from "../rest/mod.ts";
import type { DesiredOutcome, Session, SessionOptions } from "./session_api.ts";
import { createSendWindow } from "./send_queue.ts";
import { secretsOfAttempt, showUrl } from "./shown_url.ts";
import { isTold, messageOf } from "./socket_end.ts";
import { SocketLife } from "./socket_life.ts";
import { StreamLedger } from "./stream_ledger.ts";
import type { StreamEntry } from "./stream_ledger.ts";

/** Creates a session. It connects after `start`. */
export function createSession(options: SessionOptions): Session {
  return new ReconnectingSession(options);
}

/** Result of one attempt, from dialling to the end of the socket. */
interface AttemptEnd {
  readonly livedMs: number;
  readonly succeeded: boolean;
  /** Host that was dialled; null if it did not come to that. */
  readonly host: string | null;
  readonly retryAfterMs: number | null;
  readonly reason: string;
}

/** Connects and reconnects: one `SocketLife` after another, with a growing delay after short ones. */
class ReconnectingSession implements Session {
  readonly #options: SessionOptions;
  readonly #stopping = new AbortController();
  readonly #secrets: Secrets;
  readonly #sendWindow: RollingWindow | null;
  readonly #ledger: StreamLedger;
  #desired: readonly SubscribeRequest[];
  #running: Promise<void> | null = null;
  #life: SocketLife | null = null;
  #pausedSince: Micros | null = null;
  #state: SessionState = { kind: "closed" };
  #since: Micros;
  #url = "";
  /** Index of the address in use. */
  #urlAt = 0;
  /** Hosts of dialled addresses, by index. */
  readonly #hosts = new Map<number, string>();
  #opened = 0;
  #lastMessageTs: Micros | null = null;
  /** Reports the end of the last socket to the sink, if the sink could not take it yet; null otherwise. */
  #owed: (() => void) | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#since = options.host.clock.nowMicros();
    this.#secrets = new Secrets(options.host.secrets);
    this.#secrets.addFrom(options.plan);
    this.#sendWindow = createSendWindow(options.plan.sendLimit);
    this.#ledger = new StreamLedger(
      options.plan,
      () => options.host.clock.nowMicros(),
      ({ stream, state, reason }, before) => {
        const { exchange, plan, observe } = options;
        observe({ kind: "stream_state", exchange, connection: plan.key, stream, state, before, reason });
      },
      options.rhythmOf,
    );
    this.#desired = options.plan.requests;
    this.#ledger.setDesired(streamsOf(this.#desired));
  }

  get status(): ConnectionStatus {
    const { plan, host } = this.#options;
    const pausedSince = this.sessionId === null ? null : this.#pausedSince;
    return {
      key: plan.key,
      url: this.#url,
      state: pausedSince === null ? this.#state : { kind: "paused" },
      since: Math.max(pausedSince ?? 0, this.#since),
      lastMessageTs: this.#lastMessageTs,
      reconnects: Math.max(0, this.#opened - 1),
      streams: this.#ledger.counts,
      quietAcked: this.#ledger.quietAcked,
      rejected: this.#ledger.rejected,
      data: this.#ledger.dataAge(host.clock.nowMicros()),
      sessionId: this.sessionId,
    };
  }

  get sessionId(): SessionId | null {
    return this.#life?.sessionId ?? null;
  }

  get streams(): Iterable<StreamEntry> {
    return this.#ledger.entries();
  }

  start(): void {
    this.#running ??= this.#run().catch((error: unknown) => this.#fault(error));
  }

  acceptSignal(signal: ControlSignal, receivedTs: Micros): void {
    this.#life?.acceptSignal(signal, receivedTs);
  }

  acceptData(channel: Channel, symbol: string, receivedTs: Micros): void {
    this.#life?.acceptData(channel, symbol, receivedTs);
  }

  setDesired(requests: readonly SubscribeRequest[]): DesiredOutcome {
    const { exchange, plan, observe } = this.#options;
    this.#desired = requests;
    const { added, removed } = this.#ledger.setDesired(streamsOf(requests));
    const coming = this.#life?.setDesired(requests) ?? [];
    const kept = coming.filter((stream) => removed.some((one) => streamKey(one) === streamKey(stream)));
    const gone = removed.filter((stream) => !kept.some((one) => streamKey(one) === streamKey(stream)));
    if (this.sessionId === null) this.#ledger.socketEnded();
    if (added.length + removed.length > 0) {
      observe({
        kind: "streams_changed",
        exchange,
        connection: plan.key,
        added: added.length,
        removed: gone.length,
        kept: kept.map(streamKey),
      });
    }
    return { added, removed: gone, kept };
  }

  resubscribe(stream: Stream): boolean {
    return this.#life?.resubscribe(stream) ?? false;
  }

  pause(): void {
    this.#pausedSince ??= this.#options.host.clock.nowMicros();
    this.#life?.pause();
  }

  resume(): void {
    this.#pausedSince = null;
    this.#life?.resume();
  }

  async stop(end: { readonly cause: CloseCause; readonly reason: string } | null = null): Promise<void> {
    this.#stopping.abort();
    this.#life?.close(end?.cause ?? "shutdown", end?.reason ?? "shutdown");
    await this.#running;
    // If the sink still fails, the next start writes the record, as after a crash.
    if (this.#owed !== null && isTold(this.#owed)) this.#owed = null;
  }

  ask(message: Template): void {
    this.#life?.ask(message);
  }

  reconnect(reason: string): void {
    this.#life?.close("notice", reason);
  }

  async #run(): Promise<void> {
    const { host } = this.#options;
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      this.#setState({ kind: "connecting", attempt: failures + 1 });
      const end = await this.#attempt();
      if (this.#stopping.signal.aborted) break;
      const blockedMs = end.succeeded ? 0 : this.#turn(end);
      failures = end.livedMs >= BACKOFF_RESET_MS ? 1 : failures + 1;
      const { reason } = end;
      const delayMs = backoffMs(failures, { random: host.random.next(), retryAfterMs: blockedMs });
      this.#setState({ kind: "waiting", attempt: failures, delayMs, reason });
      await host.clock.sleep(delayMs, this.#stopping.signal);
    }
    this.#setState({ kind: "closed" });
  }

  /** Ends the session because of a bug; other sessions go on. */
  #fault(error: unknown): void {
    const reason = this.#secrets.hide(messageOf(error));
    this.#life?.close("error", reason);
    this.#setState({ kind: "faulted", reason });
  }

  /**
   * Moves to the next address whose host is not blocked, or to the one that is blocked for the shortest time. Returns
   * how long to wait before it may be tried, in ms.
   */
  #turn({ host, retryAfterMs }: AttemptEnd): number {
    const { plan, openGate } = this.#options;
    // The bootstrap call failed, which has no other address.
    if (host === null) {
      this.#urlAt = (this.#urlAt + 1) % plan.urls.length;
      return retryAfterMs ?? 0;
    }
    this.#hosts.set(this.#urlAt, host);
    if (retryAfterMs !== null) openGate.blockOpens(host, retryAfterMs);
    let soonestMs = Infinity;
    const from = this.#urlAt;
    for (let step = 1; step <= plan.urls.length; step++) {
      const at = (from + step) % plan.urls.length;
      const known = this.#hosts.get(at);
      const blockedMs = known === undefined ? 0 : openGate.openBlockedMs(known);
      if (blockedMs < soonestMs) [this.#urlAt, soonestMs] = [at, blockedMs];
      if (blockedMs === 0) break;
    }
    return soonestMs;
  }

  /** Makes one attempt: connects and resolves when the socket has ended. Never rejects; failures are observed. */
  async #attempt(): Promise<AttemptEnd> {
    const { plan, host, openGate } = this.#options;
    const signal = this.#stopping.signal;
    const template = plan.urls[this.#urlAt];
    let dialled: string | null = null;
    let freePlace = () => {};
    let boot: BootValues = {};
    let secrets = this.#secrets;
    try {
      this.#reportOwedEnd();
      if (plan.bootstrap !== null) {
        boot = await fetchBootstrap(plan.bootstrap, host, {
          signal,
          caCertPath: plan.tls.caCertPath,
          proxy: plan.proxy,
        });
      }
      secrets = secretsOfAttempt(this.#secrets, template, boot);
      const values = { nowMs: host.clock.nowMs(), uuid: onceOf(() => host.random.uuid()), boot };
      const url = renderTemplate(template, values);
      this.#url = showUrl(template, values, secrets);
      dialled = hostOf(url);
      const { socketsMax: most = null, proxy = "" } = plan;
      const via = typeof proxy === "string" ? proxy : proxy.reveal();
      freePlace = await openGate.takePlace(dialled, { most, via }, signal);
      await openGate.enter(dialled, plan.openLimit, signal);
      if (signal.aborted) throw new Failure("cancelled", "Session is stopping");
      const life = this.#createLife(boot, secrets);
      const connection = await host.dialer.dial(
        {
          url,
          headers: plan.headers,
          ...(plan.proxy === undefined ? {} : { proxy: plan.proxy }),
          ...(plan.subprotocols === undefined ? {} : { subprotocols: plan.subprotocols }),
          compression: plan.compression,
          caCertPath: plan.tls.caCertPath,
          timeoutMs: DIAL_TIMEOUT_MS,
          frameBytesMax: FRAME_BYTES_MAX,
        },
        life.callbacks,
        signal,
      );
      this.#opened++;
      if (this.#pausedSince !== null) life.pause();
      this.#life = life;
      // The desired requests may have changed while dialling.
      life.setDesired(this.#desired);
      life.begin(connection);
      if (signal.aborted) life.close("shutdown", "shutdown");
      const { livedMs, settled, cause, reason, owed } = await life.ended;
      this.#owed = owed;
      this.#ledger.socketEnded();
      const succeeded = (settled && cause !== "stale") || cause === "journal_busy";
      return {
        livedMs,
        succeeded,
        host: dialled,
        retryAfterMs: null,
        reason: reason === "" ? cause : `${cause}: ${reason}`,
      };
    } catch (error) {
      return this.#failed(failureOf(error), dialled, secrets);
    } finally {
      freePlace();
    }
  }

  /** Reports the end of the last socket to the sink, if that failed before. Throws if it fails again. */
  #reportOwedEnd(): void {
    const owed = this.#owed;
    if (owed === null) return;
    if (!isTold(owed)) throw new Failure("busy", "Cannot record the end of the last session yet");
    this.#owed = null;
  }

  #failed(failure: Failure, host: string | null, secrets: Secrets): AttemptEnd {
    const { plan, exchange, observe } = this.#options;
    const reason = secrets.hide(failure.message);
    if (!this.#stopping.signal.aborted) {
      const { code, status } = failure;
      observe({ kind: "connect_failed", exchange, connection: plan.key, code, status, reason });
    }
    return { livedMs: 0, succeeded: false, host, retryAfterMs: failure.retryAfterMs, reason };
  }

  #createLife(boot: BootValues, secrets: Secrets): SocketLife {
    return new SocketLife(this.#options, {
      boot,
      secrets,
      url: this.#url,
      desired: this.#desired,
      ledger: this.#ledger,
      sendWindow: this.#sendWindow,
      setState: (state) => this.#setState(state),
      sawMessage: (receivedTs) => {
        this.#lastMessageTs = receivedTs;
      },
    });
  }

  #setState(state: SessionState): void {
    this.#state = state;
    this.#since = this.#options.host.clock.nowMicros();
    const { plan, exchange, observe } = this.#options;
    observe({ kind: "session_state", exchange, connection: plan.key, state });
  }
}

function streamsOf(requests: readonly SubscribeRequest[]): Stream[] {
  return requests.flatMap(({ items }) => items.flatMap(({ streams }) => streams));
}

/**
 * Returns a thrown value as a `Failure`: a bug fails the attempt like the world does, and must not end other sessions.
 */
function failureOf(error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure("connect", `Bug while connecting: ${String(error)}`, { cause: error });
}

/** Returns a function that makes the value once, so that a URL is shown with the id that it was dialled with. */
function onceOf(make: () => string): () => string {
  let made: string | null = null;
  return () => made ??= make();
}
