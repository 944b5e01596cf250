import { denoHost } from "../../src/host/mod.ts";

/** How long is looked before it counts as never, in ms. */
const GIVE_UP_MS = 120_000;
const LOOK_MS = 25;

/** An HTTP answer with its text. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** Asks again and again until the answer is as wanted, and returns it; rejects with the last answer where it never is. */
export async function untilAnswer(url: string, isWanted: (answer: Answer) => boolean): Promise<Answer> {
  const { clock } = denoHost();
  const giveUp = clock.monotonicMs() + GIVE_UP_MS;
  let last = "none";
  while (clock.monotonicMs() < giveUp) {
    try {
      const response = await fetch(url);
      const answer = { status: response.status, text: await response.text() };
      if (isWanted(answer)) return answer;
      last = `${answer.status} ${answer.text}`;
    } catch (error) {
      // Nobody listens yet.
      last = error instanceof Error ? error.message : String(error);
    }
    await clock.sleep(LOOK_MS);
  }
  throw new Error(`${url} never gave the answer wanted; the last one was ${last}`);
}
