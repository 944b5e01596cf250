import { NATS_ABSENT, NatsServer } from "../support/nats_server.ts";
import { POSTGRES_ABSENT, PostgresServer } from "../support/postgres_server.ts";

/** A server that a group is kept on, and that can fail. */
export interface EngineServer {
  /** The address with a password; the right one where none is given. */
  url(password?: string): string;
  kill(): Promise<void>;
  start(): Promise<void>;
  suspend(): void | Promise<void>;
  resume(): void | Promise<void>;
  stop(): Promise<void>;
}

/** The engines of groups, with a server of each and why it is absent; null where it is there. */
export const GROUP_ENGINES: readonly {
  readonly name: "nats" | "postgres";
  readonly absent: string | null;
  readonly start: () => Promise<EngineServer>;
}[] = [
  { name: "nats", absent: NATS_ABSENT, start: () => NatsServer.start() },
  {
    name: "postgres",
    absent: POSTGRES_ABSENT,
    start: async () => {
      const server = await PostgresServer.start();
      return {
        url: (password?: string) => password === undefined ? server.url() : server.url("collector", password),
        kill: () => server.kill(),
        start: () => server.start(),
        suspend: () => server.suspend(),
        resume: () => server.resume(),
        stop: () => server.stop(),
      };
    },
  },
];
