import type { IncomingMessage, ServerResponse } from "node:http";
import { Buffer } from "node:buffer";
import { HTTP_REQUEST_BYTES_MAX } from "../model/mod.ts";

/** Answers a request with what `answer` returns. */
export async function answerRequest(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (request: Request) => Response | Promise<Response>,
): Promise<void> {
  const method = request.method ?? "GET";
  const bodiless = method === "GET" || method === "HEAD";
  // Deno 2.6 never ends the body of a request that has none.
  const body = bodiless ? Buffer.alloc(0) : await readBody(request);
  if (body === null) {
    response.writeHead(413).end();
    return;
  }
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) {
    if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value);
  }
  const url = `http://${request.headers.host ?? "localhost"}${request.url ?? "/"}`;
  if (!URL.canParse(url)) {
    response.writeHead(400).end();
    return;
  }
  const reply = await answer(new Request(url, { method, headers, ...(bodiless ? {} : { body }) }));
  const bytes = new Uint8Array(await reply.arrayBuffer());
  response.writeHead(reply.status, { ...Object.fromEntries(reply.headers), "content-length": String(bytes.length) });
  if (method === "HEAD") response.end();
  else response.end(bytes);
}

async function readBody(request: IncomingMessage): Promise<Buffer<ArrayBuffer> | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += chunk.length;
    if (length > HTTP_REQUEST_BYTES_MAX) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
