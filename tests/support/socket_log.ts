import type { ConnectionCallbacks } from "../../src/host/mod.ts";

/** What a socket told its owner. */
export type SocketEvent =
  | { readonly kind: "frame"; readonly text: string; readonly binary: boolean; readonly receivedTs: number }
  | { readonly kind: "ping"; readonly receivedTs: number }
  | { readonly kind: "pong"; readonly receivedTs: number }
  | { readonly kind: "close"; readonly code: number | null; readonly reason: string };

/** Callbacks that keep what they were told and let a test wait for it. */
export class SocketLog implements ConnectionCallbacks {
  readonly events: SocketEvent[] = [];
  readonly #waiting = new Set<() => void>();

  onFrame(payload: Uint8Array, binary: boolean, receivedTs: number): void {
    this.#add({ kind: "frame", text: new TextDecoder().decode(payload), binary, receivedTs });
  }

  onPing(receivedTs: number): void {
    this.#add({ kind: "ping", receivedTs });
  }

  onPong(receivedTs: number): void {
    this.#add({ kind: "pong", receivedTs });
  }

  onClose(code: number | null, reason: string): void {
    this.#add({ kind: "close", code, reason });
  }

  /** Resolves with the `count`th event of a kind, now or when it comes. */
  async nth<K extends SocketEvent["kind"]>(kind: K, count = 1): Promise<Extract<SocketEvent, { kind: K }>> {
    while (true) {
      const found = this.of(kind)[count - 1];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#waiting.add(resolve));
    }
  }

  /** All events of a kind so far. */
  of<K extends SocketEvent["kind"]>(kind: K): Extract<SocketEvent, { kind: K }>[] {
    return this.events.filter((event): event is Extract<SocketEvent, { kind: K }> => event.kind === kind);
  }

  #add(event: SocketEvent): void {
    this.events.push(event);
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}
