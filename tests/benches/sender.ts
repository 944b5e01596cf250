/**
 * An exchange that sends as fast as its peer reads: binance-usdm's protocol with recorded frames over and over. A process
 * of its own, so that its work is not counted. Arguments: how many frames to send.
 */
import { createServer } from "node:http";
import type { Duplex } from "node:stream";
import process from "node:process";
// @ts-types="@types/ws"
import { type WebSocket, WebSocketServer } from "ws";
import { loadFirstSample } from "./samples.ts";
import type { SenderReady } from "./wire.ts";

/** Frames written to the socket at once, as a busy exchange's arrive. */
const FRAMES_A_WRITE = 256;
/** Frames of the recording that are repeated. */
const FRAMES_REPEATED = 64_000;

const framesWanted = Number(process.argv[2]);
const sample = await loadFirstSample(FRAMES_REPEATED);
const blocks = encodeBlocks(sample.frames);

const sockets = new WebSocketServer({ noServer: true });
const server = createServer((_request, response) => response.writeHead(404).end());
server.on("upgrade", (request, stream, head) => {
  sockets.handleUpgrade(request, stream, head, (socket) => serve(socket, stream));
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("No port");
  const ready: SenderReady = { port: address.port, exchange: sample.plan.exchange };
  console.log(JSON.stringify(ready));
});

/** Acknowledges the first request, then sends. */
function serve(socket: WebSocket, stream: Duplex): void {
  socket.once("message", (text: Uint8Array) => {
    const { id } = JSON.parse(new TextDecoder().decode(text));
    socket.send(JSON.stringify({ result: null, id }), () => void sendFrames(stream));
  });
}

async function sendFrames(stream: Duplex): Promise<void> {
  let sent = 0;
  for (let at = 0; sent < framesWanted; at = (at + 1) % blocks.length) {
    const { bytes, ends } = blocks[at];
    const count = Math.min(ends.length, framesWanted - sent);
    sent += count;
    if (!stream.write(bytes.subarray(0, ends[count - 1]))) {
      await new Promise<void>((resolve) => stream.once("drain", () => resolve()));
    }
  }
}

interface Block {
  readonly bytes: Uint8Array;
  /** Where each of its frames ends. */
  readonly ends: readonly number[];
}

/** Frames as they stand on the wire: unmasked text frames with the header of RFC 6455 section 5.2. */
function encodeBlocks(frames: readonly Uint8Array[]): readonly Block[] {
  const encoded: Block[] = [];
  for (let from = 0; from < frames.length; from += FRAMES_A_WRITE) {
    const group = frames.slice(from, from + FRAMES_A_WRITE);
    const bytes = new Uint8Array(group.reduce((sum, frame) => sum + frame.length + 4, 0));
    const ends: number[] = [];
    let at = 0;
    for (const frame of group) {
      bytes[at++] = 0x81;
      if (frame.length < 126) bytes[at++] = frame.length;
      else if (frame.length < 65_536) {
        bytes[at++] = 126;
        bytes[at++] = frame.length >> 8;
        bytes[at++] = frame.length & 255;
      } else throw new Error(`A frame of ${frame.length} bytes is not for this bench`);
      bytes.set(frame, at);
      ends.push(at += frame.length);
    }
    encoded.push({ bytes, ends });
  }
  return encoded;
}
