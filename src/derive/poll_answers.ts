import { type HttpRecord, type Micros, POLL_ANSWERS_MAX } from "../model/mod.ts";

/** The last answer to a poll. */
export interface PollAnswer {
  readonly exchange: string;
  /** Hash of the plan that it was asked by; null in journals that hold none. */
  readonly planHash: string | null;
  readonly request: string;
  /** Empty where the request covers many instruments. */
  readonly native: string;
  readonly at: Micros;
}

/**
 * The polls that go on: when each was last answered, until it is told that it misses answers or has ended. What is here
 * when a process begins was cut off by the end of the one before. Bounded by POLL_ANSWERS_MAX.
 */
export class PollAnswers {
  readonly #answers = new Map<string, PollAnswer>();

  /** Notes an answer, or with status 0 that none comes any more, of a request that belongs to no session. */
  follow({ exchange, planHash, request, native, at, status }: HttpRecord): void {
    this.#answers.delete(keyOf({ exchange, request, native }));
    if (status !== 0) this.add({ exchange, planHash, request, native, at });
  }

  /** Adds the last answer to a poll. */
  add(answer: PollAnswer): void {
    if (this.#answers.size >= POLL_ANSWERS_MAX) {
      const [oldest] = this.#answers.keys();
      this.#answers.delete(oldest);
    }
    this.#answers.set(keyOf(answer), answer);
  }

  /** Yields the last answers, those that came first before the others. */
  all(): Iterable<PollAnswer> {
    return this.#answers.values();
  }
}

function keyOf({ exchange, request, native }: Pick<PollAnswer, "exchange" | "request" | "native">): string {
  return `${exchange}\n${request}\n${native}`;
}
