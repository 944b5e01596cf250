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
 * Receives what happens to a session. Called synchronously; times are receive times or now. Each member may throw: the
 * session then closes its socket with cause `journal_busy` for a `Failure` and `error` for anything else, and connects
 * again after a growing delay.
 */
export interface SessionSink {
  /** A socket is open. Returns the session's id. `url` is without secrets. */
  opened(url: string, at: Micros): SessionId;
  /**
   * A message came; during the call the runtime hands signals and data back by `acceptSignal` and `acceptData`. A frame
   * whose call throws counts as dropped.
   */
  frame(session: SessionId, payload: Uint8Array, binary: boolean, receivedTs: Micros): void;
  /** Streams were acknowledged: by an ack, or by data where that has to do. Once a stream and socket. */
  acked(session: SessionId, streams: readonly Stream[], at: Micros): void;
  rejected(session: SessionId, streams: readonly Stream[], reason: string, at: Micros): void;
  /** A stream stands still since `from`; once for each step that is taken about it. */
  stalled(
    session: SessionId,
    stream: Stream,
    stall: { readonly from: Micros; readonly action: string; readonly reason: string },
    at: Micros,
  ): void;
  /**
   * The socket is gone; once for each `opened`. After a `Failure` it is called again with the same arguments, until it
   * returns; no other socket is opened before.
   */
  closed(session: SessionId, cause: CloseCause, code: number | null, reason: string, at: Micros): void;
}

/** What a session needs. */
export interface SessionOptions {
  /** Name of the exchange instance. */
  readonly exchange: string;
  readonly plan: ConnectionPlan;
  /** The instance's control rules: a signal of action `reply` names one by its index, whose template is then sent. */
  readonly controls: readonly ControlRule[];
  readonly host: Pick<Host, "clock" | "dialer" | "fetcher" | "random" | "secrets">;
  /** Shared by all sessions of the instance. */
  readonly openGate: OpenGate;
  readonly observe: Observer;
  readonly sink: SessionSink;
  /** What streams have shown of their gaps, over all sockets and restarts. Absent: each begins anew. */
  readonly rhythmOf?: (stream: Stream) => Rhythm;
  /** Asks the exchange by another way for the latest of a stream; null where there is none. Never rejects. Absent: none. */
  readonly probe?: (stream: Stream) => Promise<ProbeVerdict> | null;
}

/**
 * What an exchange that is asked says of a silent stream: it has data later than the stream's last (`behind`), none
 * (`quiet`), or nothing that says either (`unknown`).
 */
export type ProbeVerdict = "behind" | "quiet" | "unknown";

/** What a change of the desired streams came to. */
export interface DesiredOutcome {
  readonly added: readonly Stream[];
  /** Streams that end, or have ended. */
  readonly removed: readonly Stream[];
  /** Streams that are wanted no more and keep coming until the next socket, because nothing ends them. */
  readonly kept: readonly Stream[];
}

/** One connection's life, over all the sockets it takes. */
export interface Session {
  /** Connects, and connects again for ever until `stop`. */
  start(): void;
  /** What a control frame means; from within `frame`. */
  acceptSignal(signal: ControlSignal, receivedTs: Micros): void;
  /** Data of a stream was seen; from within `frame`. Cheap where the stream is live. */
  acceptData(channel: Channel, symbol: string, receivedTs: Micros): void;
  /** Stops reading from the socket: state `paused`. The time until `resume` does not count as silence. */
  pause(): void;
  resume(): void;
  readonly status: ConnectionStatus;
  /** Null while no socket is open. */
  readonly sessionId: SessionId | null;
  /** Every stream of the connection. */
  readonly streams: Iterable<StreamEntry>;
  /**
   * Wants what these requests ask for, and nothing else, from now on: on an open socket the difference alone is asked for
   * and ended. Streams without a message that ends them keep coming until the next socket.
   */
  setDesired(requests: readonly SubscribeRequest[]): DesiredOutcome;
  /**
   * Closes the socket and ends; resolves when the sink was told all, a second after at the latest. `end`: why; null: the
   * program stops.
   */
  stop(end?: { readonly cause: CloseCause; readonly reason: string } | null): Promise<void>;
  /**
   * Asks anew, on the open socket, for all that brings a stream, so that its snapshot comes again. False where there is no
   * socket, or the exchange knows no way but a new one: then `reconnect`.
   */
  resubscribe(stream: Stream): boolean;
  /** Sends a frame of the descriptor's own within the send limit, if a socket is open. */
  ask(message: Template): void;
  /** Ends the present socket, if there is one, as after a server's notice. */
  reconnect(reason: string): void;
}
