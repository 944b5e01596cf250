import type {
  AckPlan,
  Channel,
  CloseCause,
  ConnectionPlan,
  ControlRule,
  ControlSignal,
  ItemSpelling,
  Observation,
  Placeholder,
  Stream,
  SubscribeItem,
  SubscribeRequest,
  Template,
} from "../../src/model/mod.ts";
import { ECHO_SEPARATOR, Secret } from "../../src/model/mod.ts";
import { HostLimits, type OpenGate } from "../../src/rest/mod.ts";
import { createSession, type Session, type SessionOptions, type SessionSink } from "../../src/session/mod.ts";
import { type SimulatedConnection, SimulatedHost } from "./simulated_host.ts";

/** A template from text with placeholders: `{id}`, `{capture}`, `{boot:token}`, `{env:KEY}` (whose value is `secret-KEY`). */
export function template(source: string): Template {
  const parts = source.split(/(\{(?:id|now_ms|now_s|uuid|capture|boot:\w+|env:\w+)\})/).filter((part) => part !== "");
  return { source, parts: parts.map(templatePart) };
}

function templatePart(text: string): string | Placeholder {
  const match = /^\{(id|now_ms|now_s|uuid|capture|boot|env)(?::(\w+))?\}$/.exec(text);
  if (match === null) return text;
  const key = match[2] ?? null;
  const kind = match[1] as Placeholder["kind"];
  return { kind, key, value: kind === "env" ? new Secret(key ?? "", `secret-${key}`) : null, inString: false };
}

/** The echo key of a trades or book item. */
export function echoOf(channel: Channel, symbol: string): string {
  return `${channel}${ECHO_SEPARATOR}${symbol}`;
}

const REQUEST_ACK: AckPlan = { mode: "request", timeoutMs: 5000, correlated: true };

/** An item for one stream; its echo is channel and symbol unless told otherwise. */
export function item(
  symbol: string,
  { channel = "trades", echo, spelling = null }: {
    channel?: Channel;
    echo?: null;
    spelling?: ItemSpelling | null;
  } = {},
): SubscribeItem {
  return {
    streams: [{ channel, symbol }],
    echo: echo === null ? null : echoOf(channel, symbol),
    spelling,
    message: template(`sub {id} ${channel} ${symbol}`),
    unsubscribe: null,
  };
}

/** A request for some items. */
export function request(items: readonly SubscribeItem[], ack: Partial<AckPlan> = {}): SubscribeRequest {
  const names = items.flatMap(({ streams }) => streams.map(({ channel, symbol }) => `${channel} ${symbol}`));
  return { message: template(`sub {id} ${names.join(",")}`), items, ack: { ...REQUEST_ACK, ...ack }, replaces: false };
}

/** A plan without keepalive and with long deadlines, so that a test shows only what matters to it. */
export function connectionPlan(changes: Partial<ConnectionPlan> = {}): ConnectionPlan {
  return {
    key: "public",
    connectionId: "public",
    families: null,
    urls: [template("ws://one.test/ws")],
    headers: {},
    compression: false,
    tls: { enabled: true, caCertPath: null },
    readTimeoutMs: 1e9,
    firstDataTimeoutMs: 1e9,
    quietChannels: [],
    stallAfterMs: 0,
    keepalive: {
      mode: "none",
      intervalMs: 30_000,
      intervalFrom: null,
      when: "always",
      template: null,
      pongTimeoutMs: 10_000,
      expectsPong: false,
    },
    bootstrap: null,
    connectDelayMs: 0,
    awaitsWelcome: false,
    welcomeTimeoutMs: 10_000,
    hello: [],
    maxAgeMs: null,
    sendLimit: null,
    openLimit: null,
    requests: [request([item("A")])],
    ...changes,
  };
}

/** A control signal with nothing but what a test says. */
export function signal(action: ControlSignal["action"], changes: Partial<ControlSignal> = {}): ControlSignal {
  const nothing = {
    correlation: null,
    echoes: [],
    accepted: null,
    rejected: [],
    reason: null,
    capture: null,
    final: false,
  };
  return { rule: action, action, ...nothing, ruleIndex: 0, ...changes };
}

/** What a session told the runtime. */
export type SessionRecord =
  | { readonly kind: "opened"; readonly url: string }
  | { readonly kind: "frame"; readonly text: string }
  | { readonly kind: "acked"; readonly streams: readonly string[] }
  | { readonly kind: "rejected"; readonly streams: readonly string[]; readonly reason: string }
  | { readonly kind: "stalled"; readonly stream: string; readonly action: string; readonly reason: string }
  | { readonly kind: "closed"; readonly cause: CloseCause; readonly code: number | null; readonly reason: string };

/** A session over a simulated host, with all that it told. */
export class SessionHarness {
  readonly host: SimulatedHost;
  readonly session: Session;
  readonly records: SessionRecord[] = [];
  readonly observations: Observation[] = [];
  /** Called before the sink takes anything; may throw. */
  fault: (member: keyof SessionSink) => void = () => {};

  constructor(
    plan: ConnectionPlan,
    { host = new SimulatedHost(), openGate, controls = [], probe }: {
      readonly host?: SimulatedHost;
      readonly openGate?: OpenGate;
      readonly controls?: readonly ControlRule[];
      readonly probe?: SessionOptions["probe"];
    } = {},
  ) {
    this.host = host;
    const names = (streams: readonly Stream[]) => streams.map(({ channel, symbol }) => `${channel} ${symbol}`);
    let sessions = 0;
    this.session = createSession({
      exchange: "test",
      plan,
      controls,
      host,
      openGate: openGate ?? new HostLimits(host.clock).of("example"),
      ...(probe === undefined ? {} : { probe }),
      observe: (observation) => this.observations.push(observation),
      sink: {
        opened: (url) => {
          this.fault("opened");
          this.records.push({ kind: "opened", url });
          return ++sessions;
        },
        frame: (_, payload) => {
          this.fault("frame");
          this.records.push({ kind: "frame", text: new TextDecoder().decode(payload) });
        },
        acked: (_, streams) => {
          this.fault("acked");
          this.records.push({ kind: "acked", streams: names(streams) });
        },
        stalled: (_, { channel, symbol }, { action, reason }) => {
          this.fault("stalled");
          this.records.push({ kind: "stalled", stream: `${channel} ${symbol}`, action, reason });
        },
        rejected: (_, streams, reason) => {
          this.fault("rejected");
          this.records.push({ kind: "rejected", streams: names(streams), reason });
        },
        closed: (_, cause, code, reason) => {
          this.fault("closed");
          this.records.push({ kind: "closed", cause, code, reason });
        },
      },
    });
  }

  /** Starts the session and lets its first dial succeed. */
  async open(options: { readonly answersClose?: boolean } = {}): Promise<SimulatedConnection> {
    this.session.start();
    await this.host.clock.advance(0);
    return await this.host.dialer.last.open(options);
  }

  /** Waits out the backoff and lets the next dial succeed. */
  async reopen(): Promise<SimulatedConnection> {
    const dialled = this.host.dialer.dials.length;
    while (this.host.dialer.dials.length === dialled) await this.host.clock.advance(1000);
    return await this.host.dialer.last.open();
  }

  signal(action: ControlSignal["action"], changes: Partial<ControlSignal> = {}): void {
    this.session.acceptSignal(signal(action, changes), this.host.clock.nowMicros());
  }

  data(symbol: string, channel: Channel = "trades"): void {
    this.session.acceptData(channel, symbol, this.host.clock.nowMicros());
  }

  /** The records of a kind. */
  of<K extends SessionRecord["kind"]>(kind: K): Extract<SessionRecord, { kind: K }>[] {
    return this.records.filter((record): record is Extract<SessionRecord, { kind: K }> => record.kind === kind);
  }

  observed<K extends Observation["kind"]>(kind: K): Extract<Observation, { kind: K }>[] {
    return this.observations.filter((each): each is Extract<Observation, { kind: K }> => each.kind === kind);
  }

  get state(): string {
    return this.session.status.state.kind;
  }
}
