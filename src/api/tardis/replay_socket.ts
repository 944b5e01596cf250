import type { Clock, HttpCall } from "../../host/mod.ts";
import { Failure, LIVE_SOCKET_BYTES_MAX } from "../../model/mod.ts";

/** Interval of checks whether the client has read what was sent, in ms. */
const LOOK_MS = 10;
const FINISHED = 1000;
const FAILED = 1011;

/** Serves a replay on a WebSocket at the client's pace, and closes it at the end. */
export class ReplaySocket {
  /** Accepts a WebSocket request and sends the lines of `replay`; null if the request is none. */
  static accept(
    call: HttpCall,
    clock: Clock,
    replay: (signal: AbortSignal) => AsyncIterable<readonly string[]>,
  ): Response | null {
    const gone = new AbortController();
    const upgraded = call.upgrade({
      open: () => void send(),
      message: () => {},
      closed: () => gone.abort(),
    });
    if (upgraded === null) return null;
    const { socket, response } = upgraded;
    async function send(): Promise<void> {
      try {
        for await (const lines of replay(gone.signal)) {
          for (const line of lines) {
            while (socket.bufferedBytes > LIVE_SOCKET_BYTES_MAX && !gone.signal.aborted) await clock.sleep(LOOK_MS);
            if (gone.signal.aborted) return;
            socket.send(line);
          }
        }
        socket.close(FINISHED, "WS replay-normalized finished");
      } catch (error) {
        if (gone.signal.aborted) return;
        socket.close(FAILED, error instanceof Failure ? error.message : `A bug of the program: ${error}`);
      }
    }
    return response;
  }
}
