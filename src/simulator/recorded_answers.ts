import type { RecordedHttp } from "./recording.ts";

/** Recorded REST answers, found by path and query. */
export class RecordedAnswers {
  readonly #answers: readonly { readonly url: URL; readonly body: Uint8Array }[];
  readonly #given = new Map<string, number>();

  constructor(records: readonly RecordedHttp[]) {
    this.#answers = records.filter(({ url }) => URL.canParse(url)).map((record) => ({
      url: new URL(record.url),
      body: record.payload,
    }));
  }

  /**
   * Returns the body for a request: that of the same path and query; of several recorded ones each in turn, then the
   * last one again. Else that of the same path with the most equal parameters, at least one. Null if there is none.
   */
  find(request: URL): Uint8Array | null {
    const target = request.pathname + request.search;
    const same = this.#answers.filter(({ url }) => url.pathname + url.search === target);
    if (same.length > 0) {
      const turn = this.#given.get(target) ?? 0;
      this.#given.set(target, turn + 1);
      return same[Math.min(turn, same.length - 1)].body;
    }
    let best: Uint8Array | null = null;
    let bestScore = 0;
    for (const { url, body } of this.#answers) {
      const score = url.pathname === request.pathname ? agreement(url, request) : 0;
      if (score > bestScore) [best, bestScore] = [body, score];
    }
    return best;
  }
}

/** Returns how many parameters have equal values. */
function agreement(left: URL, right: URL): number {
  return [...left.searchParams].filter(([key, value]) => right.searchParams.get(key) === value).length;
}
