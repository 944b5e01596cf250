/** A TCP relay to a server on this machine that can be cut or held, as a network is. */
export class CuttableProxy {
  readonly #listener: Deno.TcpListener;
  readonly #target: number;
  readonly #open = new Set<Deno.Conn>();
  #isCut = false;
  /** Resolves when what is held goes on; null where nothing is held. */
  #held: PromiseWithResolvers<void> | null = null;

  constructor(target: number) {
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    void this.#accept();
  }

  get port(): number {
    return this.#listener.addr.port;
  }

  /** Ends what is open, and refuses all until `heal`. */
  cut(): void {
    this.#isCut = true;
    for (const connection of this.#open) close(connection);
    this.#open.clear();
  }

  /** Lets nothing through, and nobody notice, until `heal`: what is on its way arrives then. */
  hold(): void {
    this.#held ??= Promise.withResolvers();
  }

  heal(): void {
    this.#isCut = false;
    this.#held?.resolve();
    this.#held = null;
  }

  stop(): void {
    this.cut();
    this.heal();
    this.#listener.close();
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) void this.#relay(client).catch(() => close(client));
  }

  async #relay(client: Deno.Conn): Promise<void> {
    this.#open.add(client);
    await this.#held?.promise;
    if (this.#isCut) return close(client);
    const server = await Deno.connect({ hostname: "127.0.0.1", port: this.#target });
    this.#open.add(server);
    // Either side's end, and a cut, ends both.
    await Promise.race([this.#pump(client, server), this.#pump(server, client)]).catch(() => {});
    for (const connection of [client, server]) {
      close(connection);
      this.#open.delete(connection);
    }
  }

  async #pump(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const held = new TransformStream<Uint8Array, Uint8Array>({
      transform: async (bytes, controller) => {
        await this.#held?.promise;
        controller.enqueue(bytes);
      },
    });
    await from.readable.pipeThrough(held).pipeTo(to.writable);
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
