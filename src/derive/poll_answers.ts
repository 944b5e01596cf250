import { type HttpRecord, type Micros, POLL_ANSWERS_MAX } from "../model/mod.ts";

/** The last answer to a poll. */
export interface PollAnswer {
  readonly exchange: string;
  /** Hash of the plan of the request; null in journals that hold no plans. */
  readonly planHash: string | null;
  readonly request: string;
  /** Empty if the request covers many instruments. */
  readonly native: string;
  readonly at: Micros;
}

/**
 * The last answer of each running poll, until a record says that it misses answers or has ended. Entries present when a
 * process starts are polls that the end of the previous process interrupted. Bounded by POLL_ANSWERS_MAX.
 */
export class PollAnswers {
  readonly #answers = new Map<string, PollAnswer>();

  /** Notes an answer of a request that belongs to no session. Status 0 removes the poll. */
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

  /** Yields the last answers, oldest first. */
  all(): Iterable<PollAnswer> {
    return this.#answers.values();
  }
}

function keyOf({ exchange, request, native }: Pick<PollAnswer, "exchange" | "request" | "native">): string {
  return `${exchange}\n${request}\n${native}`;
}
