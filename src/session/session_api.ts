import type { Host } from "../host/mod.ts";
import type {
  Channel,
  CloseCause,
  ConnectionPlan,
  ConnectionStatus,
  ControlRule,
  ControlSignal,
  Micros,
  Observer,
  SessionId,
  Stream,
  SubscribeRequest,
  Template,
} from "../model/mod.ts";
import type { Rhythm } from "../liveness/mod.ts";
import type { OpenGate } from "../rest/mod.ts";
import type { StreamEntry } from "./stream_ledger.ts";

/**
 * Receives the events of a session. Called synchronously; times are receive times or the present. Each member may
 * throw: the session then closes its socket, with cause `journal_busy` for a `Failure` and `error` for anything else,
 * and reconnects after a growing delay.
 */
export interface SessionSink {
  /** Called when a socket is open. Returns the session's id. `url` is without secrets. */
  opened(url: string, at: Micros): SessionId;
  /**
   * Called with a message. During the call the runtime may call `acceptSignal` and `acceptData`. If the call throws,
   * the frame counts as dropped.
   */
  frame(session: SessionId, payload: Uint8Array, binary: boolean, receivedTs: Micros): void;
  /** Called when streams were acknowledged, by an ack or, if there are no acks, by data. Once per stream and socket. */
  acked(session: SessionId, streams: readonly Stream[], at: Micros): void;
  rejected(session: SessionId, streams: readonly Stream[], reason: string, at: Micros): void;
  /** Called when a stream has stalled since `from`, once for each step against it. */
  stalled(
    session: SessionId,
    stream: Stream,
    stall: { readonly from: Micros; readonly action: string; readonly reason: string },
    at: Micros,
  ): void;
  /**
   * Called when the socket has closed, once for each `opened`. If it throws a `Failure`, it is called again with the
   * same arguments before another socket is opened.
   */
  closed(session: SessionId, cause: CloseCause, code: number | null, reason: string, at: Micros): void;
}

/** Dependencies of a session. */
export interface SessionOptions {
  /** Name of the exchange instance. */
  readonly exchange: string;
  readonly plan: ConnectionPlan;
  /** The instance's control rules. A signal of action `reply` names the rule whose reply is sent, by index. */
  readonly controls: readonly ControlRule[];
  readonly host: Pick<Host, "clock" | "dialer" | "fetcher" | "random" | "secrets">;
  /** Shared by all sessions of the instance. */
  readonly openGate: OpenGate;
  readonly observe: Observer;
  readonly sink: SessionSink;
  /** Returns the rhythm of a stream, which outlives sockets and restarts. Absent: each stream begins a new one. */
  readonly rhythmOf?: (stream: Stream) => Rhythm;
  /**
   * Asks the exchange over REST for the latest data of a stream; null if that is not possible. Never rejects. Absent:
   * never possible.
   */
  readonly probe?: (stream: Stream) => Promise<ProbeVerdict> | null;
}

/**
 * Answer about a silent stream: the exchange has data later than the stream's last (`behind`), has none (`quiet`), or
 * cannot tell (`unknown`).
 */
export type ProbeVerdict = "behind" | "quiet" | "unknown";

/** Result of changing the desired streams. */
export interface DesiredOutcome {
  readonly added: readonly Stream[];
  /** Streams that were or are being unsubscribed. */
  readonly removed: readonly Stream[];
  /** Streams no longer desired that keep coming until the next socket, because they cannot be unsubscribed. */
  readonly kept: readonly Stream[];
}

/** One connection, over all of its sockets. */
export interface Session {
  /** Connects, and reconnects until `stop`. */
  start(): void;
  /** Accepts the signal of a control frame. Called from within `frame`. */
  acceptSignal(signal: ControlSignal, receivedTs: Micros): void;
  /** Notes data of a stream. Called from within `frame`. Cheap if the stream is live. */
  acceptData(channel: Channel, symbol: string, receivedTs: Micros): void;
  /** Stops reading from the socket (state `paused`). The time until `resume` does not count as silence. */
  pause(): void;
  resume(): void;
  readonly status: ConnectionStatus;
  /** Null while no socket is open. */
  readonly sessionId: SessionId | null;
  /** Every stream of the connection. */
  readonly streams: Iterable<StreamEntry>;
  /**
   * Replaces the desired requests. On an open socket only the difference is subscribed and unsubscribed. Streams that
   * cannot be unsubscribed keep coming until the next socket.
   */
  setDesired(requests: readonly SubscribeRequest[]): DesiredOutcome;
  /**
   * Closes the socket and ends the session. Resolves when everything was reported to the sink, at most a second later.
   * `end`: why; null: the program stops.
   */
  stop(end?: { readonly cause: CloseCause; readonly reason: string } | null): Promise<void>;
  /**
   * Subscribes again, on the open socket, to all items of a stream, so that its snapshot comes again. False if there is
   * no socket or the exchange allows it only on a new one: then use `reconnect`.
   */
  resubscribe(stream: Stream): boolean;
  /** Sends a message of the descriptor within the send limit, if a socket is open. */
  ask(message: Template): void;
  /** Closes the present socket, if there is one, with cause `notice`. */
  reconnect(reason: string): void;
}
