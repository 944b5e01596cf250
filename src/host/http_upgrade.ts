import { HTTP_SOCKET_IDLE_S } from "../model/mod.ts";
import { cutReason } from "./close_reason.ts";
import type { HttpCall, HttpSocket, HttpSocketCallbacks } from "./host.ts";

/** Returns the upgrade of a request by `Deno.serve`. `asked` is the platform's own request object. */
export function httpCall(asked: Request): HttpCall {
  return {
    upgrade(callbacks) {
      if (asked.headers.get("upgrade")?.toLowerCase() !== "websocket") return null;
      try {
        const { socket, response } = Deno.upgradeWebSocket(asked, { idleTimeout: HTTP_SOCKET_IDLE_S });
        return { response, socket: httpSocket(socket, callbacks) };
      } catch {
        // The headers of the handshake are wrong, or it was upgraded before.
        return null;
      }
    },
  };
}

function httpSocket(socket: WebSocket, callbacks: HttpSocketCallbacks): HttpSocket {
  socket.binaryType = "arraybuffer";
  let isClosed = false;
  const closed = () => {
    if (isClosed) return;
    isClosed = true;
    callbacks.closed();
  };
  socket.addEventListener("open", () => callbacks.open());
  socket.addEventListener("message", ({ data }: MessageEvent<string | ArrayBuffer>) => callbacks.message(data));
  // Why a connection broke is the client's concern.
  socket.addEventListener("error", closed);
  socket.addEventListener("close", closed);
  return {
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    send(text) {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close(code, reason) {
      if (socket.readyState === WebSocket.OPEN) socket.close(code, cutReason(reason));
    },
  };
}
