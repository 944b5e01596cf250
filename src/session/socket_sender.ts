import type { Connection, Host } from "../host/mod.ts";
import { type ConnectionPlan, renderTemplate, type Template, type TemplateValues } from "../model/mod.ts";
import type { RollingWindow } from "../rest/mod.ts";
import type { BootValues } from "./bootstrap.ts";
import { SendQueue } from "./send_queue.ts";

type KeepalivePlan = ConnectionPlan["keepalive"];

/** Dependencies of a sender. */
export interface SocketSenderOptions {
  readonly host: Pick<Host, "clock" | "random">;
  readonly boot: BootValues;
  readonly limit: ConnectionPlan["sendLimit"];
  /** Shared with the sockets before and after this one. */
  readonly window: RollingWindow | null;
  /** Null before the socket is open: nothing is sent then. */
  readonly connection: () => Connection | null;
  readonly onThrow: (error: unknown) => void;
}

/** Renders templates and sends them, in order per kind of frame and within the limits of the connection. */
export class SocketSender {
  readonly queue: SendQueue;
  readonly #options: SocketSenderOptions;
  #requestId = 0;

  constructor(options: SocketSenderOptions) {
    this.#options = options;
    const { host, window, limit, onThrow } = options;
    this.queue = new SendQueue({ clock: host.clock, window, limit, onThrow });
  }

  /** Sends a frame after the requests before it. */
  request(template: Template): void {
    this.queue.request(() => {
      this.send(template);
      return [];
    });
  }

  /** Sends an answer before all requests. `captured`: values of the peer's frame. */
  answer(template: Template, captured: Pick<TemplateValues, "capture" | "captures">): void {
    this.queue.urgent(() => {
      this.send(template, captured);
      return [];
    });
  }

  /** Sends a frame and returns the ids in it. */
  send(template: Template, captured: Pick<TemplateValues, "capture" | "captures"> = {}): readonly string[] {
    const { host, boot, connection } = this.#options;
    const ids: string[] = [];
    if (template.parts.some((part) => typeof part !== "string" && part.kind === "id")) {
      ids.push(String(++this.#requestId));
    }
    const text = renderTemplate(template, {
      id: this.#requestId,
      nowMs: host.clock.nowMs(),
      uuid: () => {
        const id = host.random.uuid();
        ids.push(id);
        return id;
      },
      boot,
      ...captured,
    });
    connection()?.send(text);
    return ids;
  }

  /** Sends a ping before all requests. `sent` is called when it was sent. */
  ping({ mode, template }: KeepalivePlan, sent: () => void): void {
    this.queue.urgent(() => {
      if (mode === "ping_frame") this.#options.connection()?.ping();
      else if (template !== null) this.send(template);
      sent();
      return [];
    });
  }
}
