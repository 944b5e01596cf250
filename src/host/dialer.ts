import type { ClientRequest, IncomingMessage } from "node:http";
import { Agent } from "node:https";
// @ts-types="@types/ws"
import { WebSocket } from "ws";
import { Failure, type FailureCode, revealAll } from "../model/mod.ts";
import type { Clock, Connection, ConnectionCallbacks, Dialer, DialOptions, Files } from "./host.ts";
import { ProxyAgent } from "./proxy_agent.ts";
import { parseRetryAfter } from "./retry_after.ts";
import { attachSocket, deflateOptions } from "./socket_connection.ts";

/** Opens WebSockets with `ws`, which has pings, permessage-deflate, custom authorities and close codes. */
export function socketDialer(clock: Clock, files: Pick<Files, "readText">): Dialer {
  return {
    dial: async (options, callbacks, signal) => {
      const ca = options.caCertPath === null ? null : await readAuthority(files, options.caCertPath);
      return await openSocket({ options, callbacks, signal, ca, clock });
    },
  };
}

async function readAuthority(files: Pick<Files, "readText">, path: string): Promise<string> {
  const text = await files.readText(path);
  if (text === null) throw new Failure("tls", `Cannot read certificate authority: no such file: ${path}`);
  return text;
}

interface Opening {
  readonly options: DialOptions;
  readonly callbacks: ConnectionCallbacks;
  readonly signal: AbortSignal | undefined;
  readonly ca: string | null;
  readonly clock: Clock;
}

function openSocket({ options, callbacks, signal, ca, clock }: Opening): Promise<Connection> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new Failure("cancelled", `Dial cancelled: ${shownUrl(options.url)}`));
    let socket: WebSocket;
    let agent: ProxyAgent | null = null;
    try {
      agent = proxyAgentOf(options, ca);
      socket = new WebSocket(options.url, [...options.subprotocols ?? []], {
        headers: { "User-Agent": USER_AGENT, ...withoutTwins(revealAll(options.headers)) },
        perMessageDeflate: deflateOptions(options.compression),
        maxPayload: options.frameBytesMax,
        followRedirects: false,
        // A text frame that is not UTF-8 is kept like any other; its reader finds it undecodable.
        skipUTF8Validation: true,
        // Deno 2.6 reads the authority only from the agent.
        ...(ca === null ? {} : { ca, agent: new Agent({ ca }) }),
        ...(agent === null ? {} : { agent }),
      });
    } catch (cause) {
      return reject(new Failure("connect", `Cannot dial ${shownUrl(options.url)}: ${messageOf(cause)}`, { cause }));
    }
    let settled = false;
    const fail = (failure: Failure) => {
      if (settled) return;
      settled = true;
      release();
      agent?.destroy();
      socket.terminate();
      reject(failure);
    };
    const onAbort = () => fail(new Failure("cancelled", `Dial cancelled: ${shownUrl(options.url)}`));
    const timer = clock.after(options.timeoutMs, () => {
      fail(new Failure("timeout", `Dial timed out after ${options.timeoutMs} ms: ${shownUrl(options.url)}`));
    });
    const release = () => {
      timer.cancel();
      signal?.removeEventListener("abort", onAbort);
    };
    signal?.addEventListener("abort", onAbort, { once: true });
    // Stays attached after a failure too: terminating a socket that is not open yet emits one more error.
    socket.on("error", (cause) => fail(dialFailure(options.url, cause)));
    socket.once(
      "close",
      () => fail(new Failure("connect", `Connection ended while opening: ${shownUrl(options.url)}`)),
    );
    socket.once("unexpected-response", (request: ClientRequest, response: IncomingMessage) => {
      fail(statusFailure(options.url, response, clock.nowMs()));
      response.resume();
      request.destroy();
    });
    socket.once("open", () => {
      if (settled) return;
      settled = true;
      release();
      resolve(attachSocket(socket, callbacks, clock));
    });
  });
}

/** Default `User-Agent` of the upgrade request. */
const USER_AGENT = "crypto-collector";

/** Returns headers with `User-Agent` spelled as above, so that it replaces the default. */
function withoutTwins(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [/^user-agent$/i.test(name) ? "User-Agent" : name, value]),
  );
}

function proxyAgentOf({ proxy, url }: DialOptions, ca: string | null): ProxyAgent | null {
  if (proxy === undefined) return null;
  const address = new URL(typeof proxy === "string" ? proxy : proxy.reveal());
  return new ProxyAgent(address, url.startsWith("wss:") ? { ca } : null);
}

function statusFailure(url: string, response: IncomingMessage, nowMs: number): Failure {
  const status = response.statusCode ?? 0;
  const retryAfterMs = parseRetryAfter(response.headers["retry-after"], nowMs);
  return new Failure("http_status", `Cannot dial ${shownUrl(url)}: status ${status}`, {
    status,
    ...(retryAfterMs === null ? {} : { retryAfterMs }),
  });
}

function dialFailure(url: string, cause: unknown): Failure {
  return new Failure(dialFailureCode(url, cause), `Cannot dial ${shownUrl(url)}: ${messageOf(cause)}`, { cause });
}

/**
 * Returns the failure code of a dial error. System errors have a code (`ECONNREFUSED`, `ENOTFOUND`); TLS errors have an
 * OpenSSL name or none.
 */
function dialFailureCode(url: string, cause: unknown): FailureCode {
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : "";
  if (code.startsWith("WS_ERR")) return "connect";
  if (!url.startsWith("wss:")) return "connect";
  if (/^(ERR_TLS|ERR_SSL|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_MISMATCH)/.test(code)) return "tls";
  return code === "" || code === "EPROTO" ? "tls" : "connect";
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Returns the address without its query, which may contain a token. */
function shownUrl(url: string): string {
  return url.split("?", 1)[0];
}
