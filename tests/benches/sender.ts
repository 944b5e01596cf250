/**
 * An exchange that sends as fast as its peer reads: binance-usdm's protocol with recorded frames over and over. A process
 * of its own, so that its work is not counted. Arguments: how many frames to send.
 */
import { createServer } from "node:http";
import type { Duplex } from "node:stream";
import process from "node:process";
// @ts-types="@types/ws"
import { type WebSocket, WebSocketServer } from "ws";
import { createPasses } from "./repeated_book.ts";
import { loadFirstSample } from "./samples.ts";
import type { SenderReady } from "./wire.ts";

/** Frames written to the socket at once, as a busy exchange's arrive. */
const FRAMES_A_WRITE = 256;
/** Frames sent before the book's image is asked for and had: a real exchange does not send minutes of them meanwhile. */
const FRAMES_BEFORE_IMAGE = 200;
/** How long its receiver has to take the image in, in ms. */
const IMAGE_MS = 300;
/** Frames of the recording that are repeated. */
const FRAMES_REPEATED = 90_000;

const framesWanted = Number(process.argv[2]);
const sample = await loadFirstSample(FRAMES_REPEATED);
const passOf = createPasses(sample.frames, sample.bookImage);

const imageSent = Promise.withResolvers<void>();
if (sample.bookImage === null) imageSent.resolve();
const sockets = new WebSocketServer({ noServer: true });
const server = createServer((request, response) => {
  const isBook = request.url?.includes("/depth") === true && sample.bookImage !== null;
  if (isBook) response.once("finish", () => setTimeout(imageSent.resolve, IMAGE_MS));
  response.writeHead(isBook ? 200 : 404).end(isBook ? sample.bookImage : null);
});
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
  for (let pass = 0; sent < framesWanted; pass++) {
    const frames = passOf(pass);
    for (let from = 0; from < frames.length && sent < framesWanted; from += FRAMES_A_WRITE) {
      const group = frames.slice(from, Math.min(from + FRAMES_A_WRITE, from + framesWanted - sent));
      sent += group.length;
      if (sent > FRAMES_BEFORE_IMAGE) await imageSent.promise;
      if (!stream.write(encodeFrames(group))) {
        await new Promise<void>((resolve) => stream.once("drain", () => resolve()));
      }
    }
  }
}

/** Frames as they stand on the wire: unmasked text frames with the header of RFC 6455 section 5.2. */
function encodeFrames(frames: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length + 10, 0));
  let at = 0;
  for (const frame of frames) {
    bytes[at++] = 0x81;
    if (frame.length < 126) bytes[at++] = frame.length;
    else if (frame.length < 65_536) {
      bytes[at++] = 126;
      bytes[at++] = frame.length >> 8;
      bytes[at++] = frame.length & 255;
    } else {
      bytes[at++] = 127;
      new DataView(bytes.buffer).setBigUint64(at, BigInt(frame.length));
      at += 8;
    }
    bytes.set(frame, at);
    at += frame.length;
  }
  return bytes.subarray(0, at);
}
