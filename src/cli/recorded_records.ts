import { Failure, type FramePlan, type JournalRecord, type Micros, type Offset, type SessionId } from "../model/mod.ts";
import { matchConnection } from "../normalize/mod.ts";
import type { RecordedLine } from "../simulator/mod.ts";

/** A record with the position that a journal would have given it. */
export interface PlacedRecord {
  readonly offset: Offset;
  readonly record: JournalRecord;
}

/** A REST request of the descriptor, recognised by its URL. */
export interface RequestMatch {
  readonly name: string;
  readonly pathPrefix: string;
  readonly symbolParameter: string | null;
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
  #session: SessionId | null = null;
  #lastTs: Micros = 0;
  #ignoredHttp = 0;

  constructor(plan: FramePlan, requests: readonly RequestMatch[], next: (at: Micros) => Offset) {
    this.#plan = plan;
    this.#requests = requests;
    this.#next = next;
  }

  /** REST answers that no request of the descriptor asks for, such as instrument lists. */
  get ignoredHttp(): number {
    return this.#ignoredHttp;
  }

  /** The records of one line: none, one, or two where a new session cuts off the one before. */
  *records(line: RecordedLine): Iterable<PlacedRecord> {
    switch (line.dir) {
      case "open":
        yield* this.#end(line.t, "another session began");
        yield this.#open(line.t, line.url);
        break;
      case "in":
        if (this.#session === null) yield this.#open(line.t, "");
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
            at: line.t,
            exchange: this.#plan.exchange,
            session: this.#session,
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

  #open(at: Micros, url: string): PlacedRecord {
    const connection = matchConnection(this.#plan, url) ?? this.#plan.decode.keys().next().value;
    if (connection === undefined) throw new Failure("corrupt", "The descriptor declares no connection");
    const placed = this.#place(at, {
      kind: "opened",
      at,
      exchange: this.#plan.exchange,
      connection,
      url,
      descriptorHash: "",
      streams: [],
    });
    this.#session = placed.offset;
    this.#lastTs = at;
    return placed;
  }

  *#end(at: Micros, reason: string): Iterable<PlacedRecord> {
    if (this.#session === null) return;
    const session = this.#session;
    this.#session = null;
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
    if (!URL.canParse(url)) return null;
    const { pathname, search, searchParams } = new URL(url);
    for (const request of this.#requests) {
      if (!(pathname + search).includes(request.pathPrefix)) continue;
      if (request.symbolParameter === null) return { request, native: "" };
      const native = searchParams.get(request.symbolParameter);
      if (native !== null) return { request, native };
    }
    return null;
  }
}
