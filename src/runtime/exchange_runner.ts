import type { Host } from "../host/mod.ts";
import {
  type BookStatus,
  type Channel,
  type ConnectionPlan,
  type ConnectionStatus,
  Failure,
  fillEndBody,
  fillWishBody,
  type HttpRecord,
  missedAnswerBody,
  type Observer,
  type PollStatus,
  type RequestStatus,
  type RestPlan,
  type RunnableExchange,
  type SessionId,
  shareOfConnection,
  type StreamStatus,
  unreachable,
} from "../model/mod.ts";
import {
  type BackfillEnd,
  Backfiller,
  type BackfillPage,
  type BackfillTask,
  type InstanceLimits,
  type InstrumentPage,
  type MissedPoll,
  type RestClient,
  RestRunner,
} from "../rest/mod.ts";
import type { RhythmStore } from "../liveness/mod.ts";
import { createSession, type Session } from "../session/mod.ts";
import { ConnectionSlot } from "./connection_slot.ts";
import type { Intake } from "./intake.ts";
import { type HistoryStream, historyStreams, type HistoryStretch } from "./history.ts";
import { BookResyncer } from "./book_resyncer.ts";
import { type BookResync, connectionIdOf, familyOf, type PipelineResult } from "../derive/mod.ts";

export interface ExchangeRunnerOptions {
  readonly name: string;
  readonly descriptorHash: string;
  /** Hash of the plan that its frames are derived by, which the journal holds before its first session. */
  readonly planHash: string;
  readonly runnable: RunnableExchange;
  readonly intake: Intake;
  readonly host: Host;
  readonly observe: Observer;
  /** Shared by all instances. */
  readonly rest: RestClient;
  /** What streams have shown of their gaps. Absent: nothing is kept of it. */
  readonly rhythms?: RhythmStore;
  /** Whether it collects: else it fetches history on demand alone. */
  readonly collects: boolean;
}

/**
 * Runs one exchange instance: a session for each of its connections and its REST calls. What happens to it touches no
 * other instance.
 */
export class ExchangeRunner {
  readonly #options: ExchangeRunnerOptions;
  #planHash: string;
  #slots: readonly ConnectionSlot[];
  /** Slots of connections that nothing is asked for on any more, until they have ended. */
  readonly #leaving = new Set<Promise<void>>();
  #isPaused = false;
  readonly #limits: InstanceLimits;
  readonly #rest: RestRunner;
  readonly #backfiller: Backfiller;
  /** What history can be fetched by. */
  #history: RestPlan;
  readonly #resyncer: BookResyncer;

  constructor(options: ExchangeRunnerOptions) {
    this.#options = options;
    this.#planHash = options.planHash;
    this.#history = options.runnable.rest;
    const { name, runnable, host, intake } = options;
    this.#limits = options.rest.limits.of(name);
    this.#rest = new RestRunner({
      exchange: name,
      plan: runnable.rest,
      client: options.rest,
      clock: host.clock,
      onAnswer: (record) => this.#takeAnswer(record),
      onMissed: (missed) => this.#missed(missed),
    });
    this.#backfiller = new Backfiller({
      exchange: name,
      plan: runnable.rest,
      client: options.rest,
      clock: host.clock,
      onPage: (record) => this.#takePage(record),
      onEnd: (task, reason) => this.#endFill(task, reason),
    });
    this.#resyncer = new BookResyncer({
      clock: host.clock,
      isWhole: (resync) => intake.isBookValid(resync),
      execute: (resync) => this.#execute(resync),
    });
    this.#slots = options.collects ? runnable.connections.map((plan) => this.#createSlot(plan)) : [];
  }

  #createSlot(plan: ConnectionPlan): ConnectionSlot {
    const { clock, random } = this.#options.host;
    const slot: ConnectionSlot = new ConnectionSlot({
      plan,
      clock,
      random,
      createSession: (own) => this.#createSession(own, () => slot),
      freeKey: () => this.#freeKey(plan.key),
      hasBooks: (of, after) => this.#hasBooks(of, after),
    });
    return slot;
  }

  /** Makes a session of a connection. `slot`: that it belongs to, known once it starts. */
  #createSession(plan: ConnectionPlan, slot: () => ConnectionSlot): Session {
    const options = this.#options;
    const { name, runnable, host, observe, intake, rhythms } = options;
    const connectionId = connectionIdOf(plan.key);
    const session: Session = createSession({
      exchange: name,
      plan,
      controls: runnable.frames.controls,
      // A call before a connect keeps the limits of its host like any other request.
      host: { ...host, fetcher: options.rest.fetcher(name, "bootstrap") },
      openGate: this.#limits,
      observe,
      ...(rhythms === undefined ? {} : { rhythmOf: (stream) => rhythms.begin(name, connectionId, stream) }),
      sink: {
        opened: (url, at) => {
          const { descriptorHash } = options;
          // What this socket is going to ask for; it may have changed since the session was made.
          const streams = [...session.streams].flatMap(({ desired, stream }) => desired ? [stream] : []);
          const opened = {
            kind: "opened",
            at,
            exchange: name,
            connection: plan.key,
            url,
            descriptorHash,
            planHash: this.#planHash,
            streams,
          } as const;
          const { offset } = intake.append(opened);
          slot().opened(session);
          return offset;
        },
        frame: (id, payload, binary, receivedTs) => {
          const taken = intake.takeFrame(id, name, { at: receivedTs, binary, payload });
          if (taken === null) return;
          if (taken.signal !== null) session.acceptSignal(taken.signal, receivedTs);
          for (const { channel, symbol } of taken.streams) session.acceptData(channel, symbol, receivedTs);
          this.#resync(taken);
          this.#fill(taken);
        },
        acked: (id, acked, at) => {
          intake.acked(id, acked, at);
          this.#rest.streamsAcked(id, connectionId, acked);
        },
        rejected: (id, rejected, reason, at) => intake.rejected(id, rejected, reason, at),
        stalled: (id, stream, stall, at) => intake.stalled({ session: id, at, stream, ...stall }),
        closed: (id: SessionId, cause, code, reason, at) => {
          this.#rest.sessionClosed(id);
          this.#resyncer.sessionClosed(id);
          slot().closed(session);
          intake.endSession(id, at, cause, code, reason);
        },
      },
    });
    // Also one that takes over from another while nothing is read.
    if (this.#isPaused) session.pause();
    return session;
  }

  /** A key of the same connection that no session has. */
  #freeKey(key: string): string {
    const family = familyOf(key);
    const taken = new Set([...this.#slots.map((slot) => slot.key), ...this.#sessions.map(({ status }) => status.key)]);
    if (this.#sessions.every(({ status }) => status.key !== key)) return key;
    for (let socket = 2;; socket++) if (!taken.has(`${family}~${socket}`)) return `${family}~${socket}`;
  }

  /** Whether every book that is valid in one session is valid in the other. */
  #hasBooks(of: SessionId, after: SessionId): boolean {
    const books = this.#options.intake.booksOf(this.name);
    const valid = (id: SessionId) => books.filter(({ session, state }) => session === id && state === "valid");
    const coming = new Set(valid(after).map(({ symbol }) => symbol));
    return valid(of).every(({ symbol }) => coming.has(symbol));
  }

  /** All sessions, those among them that are about to take over. */
  get #sessions(): readonly Session[] {
    return this.#slots.flatMap(({ sessions }) => sessions);
  }

  get name(): string {
    return this.#options.name;
  }

  /** How each connection is doing. */
  get connections(): readonly ConnectionStatus[] {
    return this.#slots.map(({ current }) => current.status);
  }

  /** Every stream of every connection. */
  *streams(): Iterable<StreamStatus> {
    for (const { current: session } of this.#slots) {
      const { key } = session.status;
      for (const { stream, state, since, quiet, desired, lastDataTs, openGap, reason } of session.streams) {
        const missingSince = openGap?.from ?? null;
        yield { connection: key, stream, state, since, quiet, desired, lastDataTs, missingSince, reason };
      }
    }
  }

  /**
   * Whether the data of a share's streams comes, as far as its sockets can tell. A quiet stream needs its acknowledgement
   * alone, and one that brings nothing in its time holds nobody up; a book needs its snapshot.
   */
  isShareLive(share: number, books: readonly BookStatus[]): boolean {
    for (const { key, current: session } of this.#slots) {
      if (shareOfConnection(key) !== share) continue;
      const { sessionId } = session;
      if (sessionId === null) return false;
      for (const { stream: { channel }, state, desired } of session.streams) {
        if (desired && (state === "pending" || (state === "acked" && channel === "book"))) return false;
      }
      if (books.some((book) => book.session === sessionId && (book.state === "empty" || book.state === "buffering"))) {
        return false;
      }
    }
    return true;
  }

  /** How each poll is doing. */
  get polls(): readonly PollStatus[] {
    return this.#rest.polls;
  }

  /** Requests other than polls that have brought no answer so far. */
  get requests(): readonly RequestStatus[] {
    const { name, rest } = this.#options;
    return rest.failing.flatMap(({ exchange, purpose, request, native, since, attempts, reason }) =>
      exchange === name && (purpose === "snapshot" || purpose === "backfill")
        ? [{ request, native, since, attempts, error: reason }]
        : []
    );
  }

  start(): void {
    for (const slot of this.#slots) slot.start();
    if (this.#options.collects) this.#rest.start();
    // What an earlier process did not come to fetch.
    for (const stretch of this.#options.intake.fillsOf(this.name)) void this.#backfiller.fill(stretch);
  }

  /** The streams of a channel whose history can be fetched. */
  historyOf(channel: Channel): readonly HistoryStream[] {
    return historyStreams(this.#history, channel);
  }

  /**
   * Fetches a stretch of history on demand, after those of its instrument that wait. Rejects with a `Failure` where the
   * journal does not take the wish.
   */
  async fetchHistory({ request, native, ...wish }: HistoryStretch): Promise<BackfillEnd> {
    const { fills: [stretch] } = this.#options.intake.takeHttp({
      ...this.#ownRecord(request, native),
      body: fillWishBody(wish),
    });
    if (stretch === undefined) throw new Failure("busy", "Cannot fetch history: too many stretches wait");
    return await this.#backfiller.fill(stretch);
  }

  /**
   * Takes over a plan that differs in its streams alone: each socket asks for what is new and takes back what is wanted no
   * more, and sockets come and go with their streams; the other streams see nothing of it. `planHash` names the plan, which
   * the journal holds by now. Resolves when the sockets that go have closed.
   */
  async resubscribe({ connections, rest }: RunnableExchange, planHash: string): Promise<void> {
    const { intake, host } = this.#options;
    const isPlanNew = planHash !== this.#planHash;
    this.#planHash = planHash;
    // What belongs to new streams is asked for once they are acknowledged.
    this.#rest.changePlan(rest);
    this.#backfiller.changePlan(rest);
    this.#history = rest;
    for (const slot of this.#slots) {
      const plan = connections.find(({ key }) => key === slot.key);
      for (const { session: { sessionId }, outcome: { added, removed } } of slot.setDesired(plan?.requests ?? [])) {
        if (sessionId === null || (!isPlanNew && added.length + removed.length === 0)) continue;
        intake.streamsChanged({ session: sessionId, at: host.clock.nowMicros(), planHash, added, removed });
      }
    }
    await this.#takeConnections(connections);
  }

  /** Ends sockets that nothing is asked for on any more, and opens those that streams have come for. */
  async #takeConnections(connections: readonly ConnectionPlan[]): Promise<void> {
    const wanted = new Set(connections.map(({ key }) => key));
    const known = new Set(this.#slots.map(({ key }) => key));
    const begun = connections.filter(({ key }) => !known.has(key)).map((plan) => this.#createSlot(plan));
    for (const slot of this.#slots) {
      if (wanted.has(slot.key)) continue;
      const ended = slot.stop().finally(() => this.#leaving.delete(ended));
      this.#leaving.add(ended);
    }
    this.#slots = [...this.#slots.filter(({ key }) => wanted.has(key)), ...begun];
    for (const slot of begun) slot.start();
    await Promise.all(this.#leaving);
  }

  /** Keeps the pages of an instrument list and tells its instruments. Throws a `Failure` where they cannot be kept. */
  takeInstruments(pages: readonly InstrumentPage[]): void {
    const { intake, name } = this.#options;
    const planHash = this.#planHash;
    for (const { request, url, receivedTs: at, body } of pages) {
      const answer = { kind: "http", at, exchange: name, planHash, session: null, request, native: "", url } as const;
      intake.takeHttp({ ...answer, status: 200, body });
    }
  }

  /** Stops reading from the sockets, or goes on. */
  setPaused(paused: boolean): void {
    this.#isPaused = paused;
    for (const session of this.#sessions) {
      if (paused) session.pause();
      else session.resume();
    }
  }

  async stop(): Promise<void> {
    this.#rest.stop();
    this.#backfiller.stop();
    this.#resyncer.stop();
    await Promise.all([...this.#slots.map((slot) => slot.stop()), ...this.#leaving]);
    this.#limits.release();
  }

  /** Keeps a REST answer and reads it. Returns why it is not what was asked for; null where it is. */
  #takeAnswer(record: HttpRecord): string | null {
    const { intake } = this.#options;
    try {
      const taken = intake.takeHttp({ ...record, planHash: this.#planHash });
      this.#resync(taken);
      return taken.isAnswer ? null : describeFaults(taken.faults);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return `it could not be kept: ${error.message}`;
    }
  }

  /** Writes down that a poll went without an answer, or has ended: a record with status 0. */
  #missed({ request, native, at, from, reason }: MissedPoll): void {
    const body = missedAnswerBody({ from, reason });
    this.#options.intake.takeHttp({ ...this.#ownRecord(request, native), at, body });
  }

  /** Hands on the stretches that are to be fetched. */
  #fill({ fills }: PipelineResult): void {
    for (const stretch of fills) void this.#backfiller.fill(stretch);
  }

  /** Keeps a page of history and reads it. Returns what it came to, or why it is none. */
  #takePage(record: HttpRecord): BackfillPage | string {
    const { intake } = this.#options;
    try {
      const { isAnswer, page, faults } = intake.takeHttp({ ...record, planHash: this.#planHash });
      if (!isAnswer) return describeFaults(faults);
      if (page === null) return "no stretch of a stream waits for it";
      return page;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return `it could not be kept: ${error.message}`;
    }
  }

  /** Writes down that no more is asked for on behalf of a stretch. */
  #endFill({ gapId, request, native }: BackfillTask, reason: string | null): void {
    const body = fillEndBody({ gapId, isFilled: reason === null, reason: reason ?? "" });
    this.#options.intake.takeHttp({ ...this.#ownRecord(request, native), body });
  }

  /** A record that no exchange sent, but for its body: its status is 0. */
  #ownRecord(request: string, native: string): Omit<HttpRecord, "body"> {
    const { name: exchange, host } = this.#options;
    const at = host.clock.nowMicros();
    return { kind: "http", at, exchange, planHash: this.#planHash, session: null, request, native, url: "", status: 0 };
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
    return this.#sessions.find(({ sessionId }) => sessionId === id);
  }
}

/** What is wrong with an answer, in one line. */
function describeFaults(faults: PipelineResult["faults"]): string {
  const [first] = faults;
  if (first === undefined) return "it holds nothing of what was asked for";
  const more = faults.length === 1 ? "" : ` and ${faults.length - 1} more`;
  return `${first.code} ${first.where}${more}: ${first.example}`;
}
