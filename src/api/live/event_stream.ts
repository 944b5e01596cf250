import type { Clock, Timer } from "../../host/mod.ts";
import { LIVE_BEAT_MS, LIVE_CHUNK_CHARS } from "../../model/mod.ts";
import type { LiveMessage } from "./client.ts";

/** A source of messages, drained at the pace of its reader. */
export interface Outlet {
  /** Why it was ended; null while it lives. */
  readonly end: string | null;
  /** Calls back when there is something to send, or when it was ended. */
  whenReady(call: () => void): void;
  /** Removes and returns queued messages, up to about this many characters. */
  drain(charsMax: number): readonly LiveMessage[];
}

/** Headers of every stream of events. */
export const EVENT_STREAM_HEADERS = {
  "content-type": "text/event-stream; charset=utf-8",
  "cache-control": "no-store, no-transform",
};

/**
 * Returns a response that sends a client's messages as server-sent events (WHATWG HTML, section 9.2), at the pace of
 * its reader. Comments keep a quiet connection alive. The last event is `end` with the reason.
 */
export function eventStream(client: Outlet, clock: Clock, left: () => void): Response {
  const encoder = new TextEncoder();
  let wake: () => void = () => {};
  let beat: Timer | null = null;
  const over = () => {
    beat?.cancel();
    left();
  };
  client.whenReady(() => wake());
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      // Headers leave with the first byte.
      controller.enqueue(encoder.encode(": begin\n\n"));
    },
    async pull(controller) {
      const messages = client.drain(LIVE_CHUNK_CHARS);
      if (messages.length > 0) return controller.enqueue(encoder.encode(messages.map(textOf).join("")));
      if (client.end !== null) {
        const json = JSON.stringify({ reason: client.end });
        controller.enqueue(encoder.encode(textOf({ name: "end", id: null, json })));
        controller.close();
        return over();
      }
      const isBeat = await new Promise<boolean>((resolve) => {
        beat = clock.after(LIVE_BEAT_MS, () => resolve(true));
        wake = () => resolve(false);
      });
      (beat as Timer | null)?.cancel();
      controller.enqueue(
        isBeat ? encoder.encode(": beat\n\n") : encoder.encode(client.drain(LIVE_CHUNK_CHARS).map(textOf).join("")),
      );
    },
    cancel() {
      over();
      wake();
    },
  }, { highWaterMark: 1 });
  return new Response(body, { headers: EVENT_STREAM_HEADERS });
}

function textOf({ name, id, json }: LiveMessage): string {
  return `event: ${name}\n${id === null ? "" : `id: ${id}\n`}data: ${json}\n\n`;
}
