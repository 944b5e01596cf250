import type { Host } from "../host/mod.ts";
import {
  bookDifferenceBody,
  type BookStatus,
  type Channel,
  type ConnectionPlan,
  type ConnectionStatus,
  type EventBatch,
  Failure,
  familyOf,
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
  StreamProbe,
} from "../rest/mod.ts";
import type { RhythmStore } from "../liveness/mod.ts";
import { createSession, type Session } from "../session/mod.ts";
import { ConnectionSlot } from "./connection_slot.ts";
import type { Intake } from "./intake.ts";
import { type HistoryStream, historyStreams, type HistoryStretch } from "./history.ts";
import { type BookDifference, BookProver } from "./book_prover.ts";
import { lastKnown, orderOfIds, readProbe, readSnapshot } from "./probe_facts.ts";
import { BookResyncer } from "./book_resyncer.ts";
import { type BookResync, connectionIdOf, type PipelineResult } from "../derive/mod.ts";

export interface ExchangeRunnerOptions {
  readonly name: string;
  readonly descriptorHash: string;
  /** Hash of its derivation plan, which the journal holds before the first session. */
  readonly planHash: string;
  readonly runnable: RunnableExchange;
  readonly intake: Intake;
  readonly host: Host;
  readonly observe: Observer;
  /** Shared by all instances. */
  readonly rest: RestClient;
  /** The rhythm of each stream. Absent if none is kept. */
  readonly rhythms?: RhythmStore;
  /** Whether it collects: else it fetches history on demand alone. */
  readonly collects: boolean;
  /** How often a book is compared with the exchange's own snapshot, in ms; 0: never. */
  readonly compareBooksEveryMs: number;
  /** Follows the events of all instances; returns what ends it. */
  readonly follow: (call: (events: EventBatch) => void) => () => void;
}

/**
 * Runs one exchange instance: a session for each of its connections, and its REST calls. No fault of it affects another
 * instance.
 */
export class ExchangeRunner {
  readonly #options: ExchangeRunnerOptions;
  #planHash: string;
  #slots: readonly ConnectionSlot[];
  /** Slots whose connections have no streams any more, until they have closed. */
  readonly #leaving = new Set<Promise<void>>();
  #isPaused = false;
  #isStopped = false;
  readonly #limits: InstanceLimits;
  readonly #rest: RestRunner;
  readonly #backfiller: Backfiller;
  readonly #probe: StreamProbe;
  readonly #prover: BookProver;
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
    this.#probe = new StreamProbe({
      exchange: name,
      plan: runnable.rest,
      client: options.rest,
      clock: host.clock,
      lastOf: (stream) => lastKnown(intake, name, { stream, rest: this.#history }),
      read: (record, stream) => readProbe(intake, { ...record, planHash: this.#planHash }, stream),
      compareIds: orderOfIds(runnable.frames.tradeIds),
    });
    this.#prover = new BookProver({
      exchange: name,
      rules: runnable.frames.books,
      rest: () => this.#history,
      client: options.rest,
      clock: host.clock,
      everyMs: options.compareBooksEveryMs,
      observe: options.observe,
      books: (query) => intake.bookViews(name, query),
      follow: options.follow,
      read: (record, symbol, connectionId) =>
        readSnapshot(intake, { ...record, planHash: this.#planHash }, { connectionId, channel: "book", symbol }),
      onDifference: (difference) => this.#noteDifference(difference),
    });
    this.#resyncer = new BookResyncer({
      clock: host.clock,
      isValid: (resync) => intake.isBookValid(resync),
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

  /** Makes a session of a connection. `slot` returns its slot, known once the session starts. */
  #createSession(plan: ConnectionPlan, slot: () => ConnectionSlot): Session {
    const options = this.#options;
    const { name, runnable, host, observe, intake, rhythms } = options;
    const connectionId = connectionIdOf(plan.key);
    const session: Session = createSession({
      exchange: name,
      plan,
      controls: runnable.frames.controls,
      // A bootstrap call counts against the limits of its host, like any other request.
      host: { ...host, fetcher: options.rest.fetcher(name, "bootstrap") },
      openGate: this.#limits,
      observe,
      ...(rhythms === undefined ? {} : { rhythmOf: (stream) => rhythms.begin(name, connectionId, stream) }),
      probe: (stream) => this.#probe.probe({ connectionId, ...stream }),
      sink: {
        opened: (url, at) => {
          const { descriptorHash } = options;
          // The streams may have changed since the session was made.
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
    // Also a successor that opens while reading is paused.
    if (this.#isPaused) session.pause();
    return session;
  }

  /** Returns a key of the same connection that no session uses. */
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

  /** All sessions, successors included. */
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
   * Whether the streams of a share have their data. A stream of a quiet channel needs its acknowledgement alone, one
   * without data in its time counts as live, and a book needs its snapshot.
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

  /** Snapshot and backfill requests that have failed so far. */
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
    if (this.#options.collects) {
      this.#rest.start();
      this.#prover.start();
    }
    // Stretches that an earlier process left unfetched.
    for (const stretch of this.#options.intake.fillsOf(this.name)) void this.#backfiller.fill(stretch);
  }

  /** The streams of a channel whose history can be fetched. */
  historyOf(channel: Channel): readonly HistoryStream[] {
    return historyStreams(this.#history, channel);
  }

  /**
   * Fetches a stretch of history on demand, after those of its instrument that wait. Rejects with a `Failure` if the
   * journal does not take the wish, or the instance has stopped: its successor fetches the stretches that the journal
   * has, and no more are written for it.
   */
  async fetchHistory({ request, native, ...wish }: HistoryStretch): Promise<BackfillEnd> {
    this.#checkRuns();
    const { fills: [stretch] } = this.#options.intake.takeHttp({
      ...this.#ownRecord(request, native),
      body: fillWishBody(wish),
    });
    if (stretch === undefined) throw new Failure("busy", "Cannot fetch history: too many stretches wait");
    const end = await this.#backfiller.fill(stretch);
    this.#checkRuns();
    return end;
  }

  #checkRuns(): void {
    if (!this.#isStopped) return;
    throw new Failure("gone", `Cannot fetch history: ${this.name} was stopped or changed meanwhile; ask again`);
  }

  /**
   * Applies a plan that differs in its streams alone: each socket subscribes to the new streams and unsubscribes from
   * those that left; sockets open and close with their streams; other streams are not affected. `planHash` names the
   * plan, which the journal holds already. Resolves when the sockets without streams have closed.
   */
  async resubscribe({ connections, rest }: RunnableExchange, planHash: string): Promise<void> {
    const { intake, host } = this.#options;
    const isPlanNew = planHash !== this.#planHash;
    this.#planHash = planHash;
    // Requests of new streams are sent once the streams are acknowledged.
    this.#rest.changePlan(rest);
    this.#backfiller.changePlan(rest);
    this.#probe.changePlan(rest);
    this.#history = rest;
    for (const slot of this.#slots) {
      const plan = connections.find(({ key }) => key === slot.key);
      for (const { session: { sessionId }, outcome: { added, removed } } of slot.setDesired(plan?.requests ?? [])) {
        if (sessionId === null || (!isPlanNew && added.length + removed.length === 0)) continue;
        intake.streamsChanged({ session: sessionId, at: host.clock.nowMicros(), planHash, added, removed });
      }
    }
    await this.#changeConnections(connections);
  }

  /** Closes the sockets without streams and opens those for new streams. */
  async #changeConnections(connections: readonly ConnectionPlan[]): Promise<void> {
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

  /** Journals the pages of an instrument list. Throws a `Failure` if the journal cannot take them. */
  takeInstruments(pages: readonly InstrumentPage[]): void {
    const { intake, name } = this.#options;
    const planHash = this.#planHash;
    for (const { request, url, receivedTs: at, body } of pages) {
      const answer = { kind: "http", at, exchange: name, planHash, session: null, request, native: "", url } as const;
      intake.takeHttp({ ...answer, status: 200, body });
    }
  }

  /** Pauses or resumes reading from the sockets. */
  setPaused(paused: boolean): void {
    this.#isPaused = paused;
    for (const session of this.#sessions) {
      if (paused) session.pause();
      else session.resume();
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#rest.stop();
    this.#backfiller.stop();
    this.#probe.stop();
    this.#prover.stop();
    this.#resyncer.stop();
    await Promise.all([...this.#slots.map((slot) => slot.stop()), ...this.#leaving]);
    this.#limits.release();
  }

  /** Journals a REST answer and reads it. Returns why it is unusable; null if it is not. */
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

  /** Records that a poll had no answer, or has ended: a record with status 0. */
  #missed({ request, native, at, from, reason }: MissedPoll): void {
    const body = missedAnswerBody({ from, reason });
    this.#options.intake.takeHttp({ ...this.#ownRecord(request, native), at, body });
  }

  /** Gives the backfiller the stretches to fetch. */
  #fill({ fills }: PipelineResult): void {
    for (const stretch of fills) void this.#backfiller.fill(stretch);
  }

  /** Journals a page of history and reads it. Returns the page, or why it is unusable. */
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

  /** Writes down that a book differs from the exchange's own snapshot, which is a gap of it, and lets it be made whole. */
  #noteDifference({ session, request, native, detail }: BookDifference): void {
    const body = bookDifferenceBody({ detail });
    this.#resync(this.#options.intake.takeHttp({ ...this.#ownRecord(request, native), session, body }));
  }

  /** Gives the resyncer what books ask for. */
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
        // A stream that cannot be subscribed to again on its socket needs a new socket.
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

/** Describes what is wrong with an answer, in one line. */
function describeFaults(faults: PipelineResult["faults"]): string {
  const [first] = faults;
  if (first === undefined) return "it holds nothing of what was asked for";
  const more = faults.length === 1 ? "" : ` and ${faults.length - 1} more`;
  return `${first.code} ${first.where}${more}: ${first.example}`;
}
