import type { Clock, HttpCall } from "../../host/mod.ts";
import { Failure, LIVE_SOCKET_BYTES_MAX } from "../../model/mod.ts";

/** How soon it is looked whether a client has taken what was sent, in ms. */
const LOOK_MS = 10;
const FINISHED = 1000;
const FAILED = 1011;

/** A replay on a WebSocket, at the pace at which its client takes it; it closes when all is sent. */
export class ReplaySocket {
  /** Answers a request that asks for a WebSocket with the lines that `replay` gives; null where it does not ask for one. */
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
        // A reason has room for 123 bytes.
        socket.close(
          FAILED,
          (error instanceof Failure ? error.message : `A bug of the program: ${error}`).slice(0, 40),
        );
      }
    }
    return response;
  }
}
