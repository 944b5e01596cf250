import {
  Failure,
  type FramePlan,
  type JournalRecord,
  type Micros,
  type Offset,
  type RestRequestPlan,
  type SessionId,
} from "../model/mod.ts";
import { matchAnswer, matchConnection } from "../normalize/mod.ts";
import type { RecordedLine } from "../simulator/mod.ts";

/** A record with the offset that a journal would have given it. */
export interface PlacedRecord {
  readonly offset: Offset;
  readonly record: JournalRecord;
}

/** A REST request of the descriptor, recognised by its URL. */
export interface RequestMatch {
  readonly name: string;
  /** The connection that it belongs to. */
  readonly connectionId: string;
  readonly match: RestRequestPlan["match"];
}

/** Tracks the open sessions in the files of a replay, because REST answers in a separate file belong to one of them. */
export class OpenSessions {
  readonly #sessions = new Map<SessionId, string>();

  add(connectionId: string, session: SessionId): void {
    this.#sessions.set(session, connectionId);
  }

  remove(session: SessionId): void {
    this.#sessions.delete(session);
  }

  /** Returns the latest session of a connection, else the latest of all; null if none is open. */
  of(connectionId: string): SessionId | null {
    let latest: SessionId | null = null;
    let fitting: SessionId | null = null;
    for (const [session, connection] of this.#sessions) {
      latest = session;
      if (connection === connectionId) fitting = session;
    }
    return fitting ?? latest;
  }
}

/**
 * Turns a recording into the records that a journal of the same session would hold: `open` begins a session, `in` is a
 * frame, `http` the answer of a request that the descriptor knows, `close` ends the session. Offsets count from the
 * recording's first microsecond, as a journal's do from its creation.
 */
export class RecordedSession {
  readonly #plan: FramePlan;
  readonly #requests: readonly RequestMatch[];
  readonly #next: (at: Micros) => Offset;
  readonly #open: OpenSessions;
  #session: SessionId | null = null;
  #lastTs: Micros = 0;
  #ignoredHttp = 0;

  constructor(
    plan: FramePlan,
    options: {
      readonly requests: readonly RequestMatch[];
      readonly next: (at: Micros) => Offset;
      /** Shared by the files of one replay. */
      readonly open: OpenSessions;
    },
  ) {
    this.#plan = plan;
    this.#requests = options.requests;
    this.#next = options.next;
    this.#open = options.open;
  }

  /** REST answers that match no request of the descriptor, such as instrument lists. */
  get ignoredHttp(): number {
    return this.#ignoredHttp;
  }

  /** Yields the records of one line: none, one, or two if a new session ends the one before. */
  *records(line: RecordedLine): Iterable<PlacedRecord> {
    switch (line.dir) {
      case "open":
        yield* this.#end(line.t, "another session began");
        yield this.#begin(line.t, line.url);
        break;
      case "in":
        if (this.#session === null) yield this.#begin(line.t, "");
        this.#lastTs = line.t;
        yield this.#place(line.t, {
          kind: "frame",
          session: this.#sessionId(),
          at: line.t,
          binary: line.binary,
          payload: line.payload,
        });
        break;
      case "http": {
        const match = this.#matchRequest(line.url);
        if (match === null) this.#ignoredHttp++;
        else {
          yield this.#place(line.t, {
            kind: "http",
            planHash: null,
            at: line.t,
            exchange: this.#plan.exchange,
            session: this.#session ?? this.#open.of(match.request.connectionId),
            request: match.request.name,
            native: match.native,
            url: line.url,
            status: 200,
            body: line.payload,
          });
        }
        break;
      }
      case "close":
        yield* this.#end(line.t, "closed in the recording");
        break;
      case "out":
        break;
    }
  }

  #begin(at: Micros, url: string): PlacedRecord {
    const connection = matchConnection(this.#plan, url) ?? this.#plan.connections.at(0)?.id;
    if (connection === undefined) throw new Failure("corrupt", "The descriptor declares no connection");
    const placed = this.#place(at, {
      kind: "opened",
      at,
      exchange: this.#plan.exchange,
      connection,
      url,
      descriptorHash: "",
      planHash: null,
      streams: [],
    });
    this.#session = placed.offset;
    this.#open.add(connection, placed.offset);
    this.#lastTs = at;
    return placed;
  }

  *#end(at: Micros, reason: string): Iterable<PlacedRecord> {
    if (this.#session === null) return;
    const session = this.#session;
    this.#session = null;
    this.#open.remove(session);
    yield this.#place(at, {
      kind: "closed",
      session,
      at: this.#lastTs,
      cause: "peer",
      code: null,
      reason,
    });
  }

  #sessionId(): SessionId {
    if (this.#session === null) throw new Error("A frame without a session");
    return this.#session;
  }

  #place(at: Micros, record: JournalRecord): PlacedRecord {
    return { offset: this.#next(at), record };
  }

  #matchRequest(url: string): { readonly request: RequestMatch; readonly native: string } | null {
    for (const request of this.#requests) {
      const native = matchAnswer(request.match, url);
      if (native !== null) return { request, native };
    }
    return null;
  }
}
