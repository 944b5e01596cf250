import { Agent, type ClientRequestArgs } from "node:http";
import { connect as connectTcp, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls } from "node:tls";

/** Longest answer of a proxy to CONNECT, in bytes; a longer one is invalid. */
const ANSWER_BYTES_MAX = 16 * 1024;
const HEAD_END = "\r\n\r\n";

type Ready = (error: Error | null, stream: Duplex) => void;

/** Host and port that a socket must reach. */
interface Target {
  readonly host: string;
  readonly port: number;
}

/**
 * Reaches hosts through an HTTP proxy: sends CONNECT (RFC 9110 section 9.3.6) and speaks TLS with the host itself, so
 * that the proxy sees names but no content. `destroy()` also closes sockets that still wait for the proxy.
 */
export class ProxyAgent extends Agent {
  readonly #proxy: URL;
  readonly #tls: { readonly ca: string | null } | null;
  readonly #waiting = new Set<Socket>();

  /** `tls`: null for connections without TLS. */
  constructor(proxy: URL, tls: { readonly ca: string | null } | null) {
    super({ keepAlive: false });
    this.#proxy = proxy;
    this.#tls = tls;
    // Callers that need an `https` agent check this.
    if (tls !== null) Object.assign(this, { protocol: "https:", defaultPort: 443 });
  }

  override createConnection(options: ClientRequestArgs, ready?: Ready): null {
    const target = { host: String(options.host), port: Number(options.port) };
    const socket = connectTcp(Number(this.#proxy.port || 80), bareHost(this.#proxy.hostname));
    this.#waiting.add(socket);
    const settle = (error: Error | null) => {
      this.#waiting.delete(socket);
      socket.removeAllListeners("data").removeAllListeners("error").removeAllListeners("close");
      if (error !== null) {
        socket.destroy();
        return ready?.(error, socket);
      }
      ready?.(null, this.#tls === null ? socket : this.#secured(socket, target));
    };
    let answer = "";
    socket.once("connect", () => socket.write(connectRequest(target, this.#proxy)));
    socket.on("data", (bytes: Uint8Array) => {
      answer += new TextDecoder("latin1").decode(bytes);
      if (answer.includes(HEAD_END)) return settle(refusalOf(answer));
      if (answer.length > ANSWER_BYTES_MAX) settle(new Error("Proxy does not answer as one: its head has no end"));
    });
    socket.once("error", (error: Error) => settle(new Error(`Proxy cannot be reached: ${error.message}`)));
    socket.once("close", () => settle(new Error("Proxy closed the connection")));
    // Only `ready` hands the socket over: nothing must be written to it before the proxy has answered.
    return null;
  }

  override destroy(): void {
    for (const socket of this.#waiting) socket.destroy();
    this.#waiting.clear();
    super.destroy();
  }

  #secured(socket: Socket, { host }: Target): Socket {
    const ca = this.#tls?.ca ?? null;
    return connectTls({ socket, servername: host, ...(ca === null ? {} : { ca }) });
  }
}

function connectRequest({ host, port }: Target, proxy: URL): string {
  const authority = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  const user = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`;
  const lines = [
    `CONNECT ${authority} HTTP/1.1`,
    `Host: ${authority}`,
    ...(proxy.username === "" ? [] : [`Proxy-Authorization: Basic ${base64(user)}`]),
  ];
  return lines.join("\r\n") + HEAD_END;
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

/** Returns why the proxy does not connect; null if it does. */
function refusalOf(answer: string): Error | null {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer)?.[1];
  if (status === undefined) return new Error("Proxy does not answer as one: its first line has no status");
  return status.startsWith("2") ? null : new Error(`Proxy refused to connect: status ${status}`);
}

/** Returns a host without the brackets around an IPv6 address. */
function bareHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, "$1");
}
