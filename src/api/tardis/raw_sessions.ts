import type { Clock, HttpCall, HttpSocket, Timer } from "../../host/mod.ts";
import {
  CLIENT_MESSAGE_CHARS_MAX,
  Failure,
  LIVE_SOCKET_BYTES_MAX,
  type Micros,
  type RunnableExchange,
  TARDIS_ASKED_MS_MAX,
  TARDIS_SESSION_SOCKETS_MAX,
  TARDIS_SETTLE_MS,
  type WireFrame,
} from "../../model/mod.ts";
import { Answers, Catalogue, Wishes } from "../../protocol/mod.ts";
import type { LiveFacts } from "../facts.ts";

/** Interval of checks whether the client has read what was sent, in ms. */
const LOOK_MS = 10;
const FINISHED = 1000;
const FAILED = 1011;

/** The request of one socket. */
export interface RawAsked {
  readonly exchange: string;
  readonly runnable: RunnableExchange;
  /** Path and query of the exchange's own address. */
  readonly target: string;
  readonly from: Micros;
  readonly to: Micros;
}

/** Options of the sessions. */
interface SessionOptions {
  readonly clock: Clock;
  readonly facts: Pick<LiveFacts, "wire">;
  /** Counts a replay that begins; false if too many run. */
  readonly begin: () => boolean;
  readonly end: () => void;
}

interface RawSocket extends RawAsked {
  readonly socket: HttpSocket;
  readonly wishes: Wishes;
  readonly answers: Answers;
  isGone: boolean;
}

/** Serves raw replays on WebSockets. The sockets of one session get their frames in one order of time. */
export class RawSessions {
  readonly #options: SessionOptions;
  readonly #sessions = new Map<string, RawSession>();
  #unnamed = 0;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Adds a socket to a session; without a name it gets its own. Null if the request is no WebSocket request. */
  join(call: HttpCall, asked: RawAsked, name: string | null): Response | null {
    const key = name === null ? `#${++this.#unnamed}` : `=${name}`;
    const known = this.#sessions.get(key);
    const session = known ?? new RawSession(this.#options, () => this.#sessions.delete(key));
    const response = session.join(call, asked);
    if (response !== null && known === undefined) this.#sessions.set(key, session);
    return response;
  }
}

/** Begins once none of its sockets subscribes any more, plays, and ends. */
class RawSession {
  readonly #options: SessionOptions;
  readonly #ended: () => void;
  readonly #sockets: RawSocket[] = [];
  readonly #gone = new AbortController();
  #settleTimer: Timer | null = null;
  #deadline: Timer | null = null;
  #hasBegun = false;

  constructor(options: SessionOptions, ended: () => void) {
    this.#options = options;
    this.#ended = ended;
  }

  join(call: HttpCall, asked: RawAsked): Response | null {
    let member: RawSocket | null = null;
    const upgraded = call.upgrade({
      open: () => {
        if (this.#hasBegun) return upgraded?.socket.close(FAILED, "The replay of this session has begun already");
        if (this.#sockets.length > TARDIS_SESSION_SOCKETS_MAX) {
          return upgraded?.socket.close(FAILED, `A session has at most ${TARDIS_SESSION_SOCKETS_MAX} sockets`);
        }
        this.#waitForMore();
      },
      message: (message) => member !== null && this.#hear(member, message),
      closed: () => member !== null && this.#leave(member),
    });
    if (upgraded === null) return null;
    const catalogue = new Catalogue(asked.runnable);
    member = {
      ...asked,
      socket: upgraded.socket,
      wishes: new Wishes(catalogue, asked.target),
      answers: new Answers(asked.runnable.frames),
      isGone: false,
    };
    if (!this.#hasBegun) this.#sockets.push(member);
    this.#deadline ??= this.#options.clock.after(TARDIS_ASKED_MS_MAX, () => this.#refuseSilent());
    return upgraded.response;
  }

  #hear({ wishes, answers, socket }: RawSocket, message: string | ArrayBuffer): void {
    const text = typeof message === "string" ? message : new TextDecoder().decode(message);
    if (text.length > CLIENT_MESSAGE_CHARS_MAX) return;
    const heard = wishes.hear(text);
    if (heard.kind === "ping") { for (const answer of answers.pong(heard)) socket.send(answer); }
    if (heard.kind !== "subscribe") return;
    for (const answer of answers.ack(heard)) socket.send(answer);
    this.#waitForMore();
  }

  #leave(member: RawSocket): void {
    member.isGone = true;
    if (!this.#sockets.every(({ isGone }) => isGone)) return;
    this.#gone.abort();
    if (!this.#hasBegun) this.#finish();
  }

  #waitForMore(): void {
    if (this.#hasBegun) return;
    this.#settleTimer?.cancel();
    this.#settleTimer = this.#options.clock.after(TARDIS_SETTLE_MS, () => {
      if (this.#sockets.every(({ wishes, isGone }) => isGone || wishes.hasAsked)) void this.#play();
    });
  }

  #refuseSilent(): void {
    if (this.#hasBegun) return;
    this.#closeAll(FAILED, "A socket sent no known subscribe message in time");
    this.#finish();
  }

  async #play(): Promise<void> {
    this.#hasBegun = true;
    if (!this.#options.begin()) {
      this.#closeAll(FAILED, "Too many replays run: try again when one has ended");
      this.#finish();
      return;
    }
    try {
      const from = Math.min(...this.#sockets.map(({ from }) => from));
      const to = Math.max(...this.#sockets.map(({ to }) => to));
      for await (const records of this.#options.facts.wire({ from, to, signal: this.#gone.signal })) {
        for (const record of records) {
          if (record.kind === "frame") await this.#send(record.frame);
          if (this.#gone.signal.aborted) return;
        }
      }
      this.#closeAll(FINISHED, "WS replay finished");
    } catch (error) {
      const text = error instanceof Failure ? error.message : `A bug of the program: ${error}`;
      this.#closeAll(FAILED, text);
    } finally {
      this.#options.end();
      this.#finish();
    }
  }

  async #send(frame: WireFrame): Promise<void> {
    const { text, at } = frame;
    if (text === null) return;
    for (const member of this.#sockets) {
      if (member.isGone || member.exchange !== frame.exchange || at < member.from || at >= member.to) continue;
      if (!member.wishes.wants(frame)) continue;
      while (member.socket.bufferedBytes > LIVE_SOCKET_BYTES_MAX && !member.isGone) {
        await this.#options.clock.sleep(LOOK_MS);
      }
      member.socket.send(text);
    }
  }

  #closeAll(code: number, reason: string): void {
    for (const { socket, isGone } of this.#sockets) if (!isGone) socket.close(code, reason);
  }

  #finish(): void {
    this.#hasBegun = true;
    this.#settleTimer?.cancel();
    this.#deadline?.cancel();
    this.#ended();
  }
}
