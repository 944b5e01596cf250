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
const FRAMES_REPEATED = 90_000;

const framesWanted = Number(process.argv[2]);
const sample = await loadFirstSample(FRAMES_REPEATED);

const sockets = new WebSocketServer({ noServer: true });
const server = createServer((request, response) => {
  const isBook = request.url?.includes("/depth") === true && sample.bookImage !== null;
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
    const frames = continued(sample.frames, pass);
    for (let from = 0; from < frames.length && sent < framesWanted; from += FRAMES_A_WRITE) {
      const group = frames.slice(from, Math.min(from + FRAMES_A_WRITE, from + framesWanted - sent));
      sent += group.length;
      if (!stream.write(encodeFrames(group))) {
        await new Promise<void>((resolve) => stream.once("drain", () => resolve()));
      }
    }
  }
}

/** The frames once more, with the update ids of the book going on where they ended, so that the book stays whole. */
function continued(frames: readonly Uint8Array[], pass: number): readonly Uint8Array[] {
  if (pass === 0) return frames;
  const decoder = new TextDecoder();
  const texts = frames.map((frame) => decoder.decode(frame));
  const books = texts.filter((text) => text.includes('"depthUpdate"'));
  const idOf = (text: string | undefined, name: string) =>
    Number(new RegExp(`"${name}":(\\d+)`).exec(text ?? "")?.[1] ?? 0);
  const first = idOf(books.at(0), "pu") || idOf(books.at(0), "U") - 1;
  const shift = pass * (idOf(books.at(-1), "u") - first);
  const encoder = new TextEncoder();
  return texts.map((text, at) =>
    text.includes('"depthUpdate"')
      ? encoder.encode(text.replace(/"(U|u|pu)":(\d+)/g, (_, name, id) => `"${name}":${Number(id) + shift}`))
      : frames[at]
  );
}

/** Frames as they stand on the wire: unmasked text frames with the header of RFC 6455 section 5.2. */
function encodeFrames(frames: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(frames.reduce((sum, frame) => sum + frame.length + 4, 0));
  let at = 0;
  for (const frame of frames) {
    bytes[at++] = 0x81;
    if (frame.length < 126) bytes[at++] = frame.length;
    else if (frame.length < 65_536) {
      bytes[at++] = 126;
      bytes[at++] = frame.length >> 8;
      bytes[at++] = frame.length & 255;
    } else throw new Error(`A frame of ${frame.length} bytes is not for this bench`);
    bytes.set(frame, at);
    at += frame.length;
  }
  return bytes.subarray(0, at);
}
