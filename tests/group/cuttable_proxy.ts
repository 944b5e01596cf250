/** A TCP relay to a server on this machine that can be cut, as a network is. */
export class CuttableProxy {
  readonly #listener: Deno.TcpListener;
  readonly #target: number;
  readonly #open = new Set<Deno.Conn>();
  #isCut = false;

  constructor(target: number) {
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    void this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Ends what is open, and lets nothing through until `heal`. */
  cut(): void {
    this.#isCut = true;
    for (const connection of this.#open) close(connection);
    this.#open.clear();
  }

  heal(): void {
    this.#isCut = false;
  }

  stop(): void {
    this.cut();
    this.#listener.close();
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) void this.#relay(client).catch(() => close(client));
  }

  async #relay(client: Deno.Conn): Promise<void> {
    if (this.#isCut) return close(client);
    this.#open.add(client);
    const server = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
    this.#open.add(server);
    // Either side's end, and a cut, ends both.
    await Promise.race([client.readable.pipeTo(server.writable), server.readable.pipeTo(client.writable)]).catch(
      () => {},
    );
    for (const connection of [client, server]) {
      close(connection);
      this.#open.delete(connection);
    }
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
