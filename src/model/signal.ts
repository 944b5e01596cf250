/** The meaning of a control frame to its session, read by the descriptor's control and acknowledgement rules. */
export interface ControlSignal {
  /** Name of the rule, for reports: `ack`, `pong`, `heartbeat`. */
  readonly rule: string;
  readonly action: ControlAction;
  /** Id of the request it answers, as text; null if the frame names none. */
  readonly correlation: string | null;
  /** Keys of the items it names, as `SubscribeItem.echo` spells them; empty if it names none. */
  readonly echoes: readonly string[];
  /**
   * Keys of the items that an ack lists as accepted; the others of its request are rejected. Null if it has no such
   * list.
   */
  readonly accepted: readonly string[] | null;
  /** Keys of the items that an ack lists as rejected. */
  readonly rejected: readonly string[];
  /** The exchange's reason: why it rejected a request or will close. */
  readonly reason: string | null;
  /** Text captured for the reply; null if the rule captures none. */
  readonly capture: string | null;
  /** Texts captured by name. Absent: there are none. */
  readonly captures?: Readonly<Record<string, string>>;
  /** Index of the rule in the plan. */
  readonly ruleIndex: number;
  /** Whether a rejection is final, by its rule: the request is not repeated. */
  readonly final: boolean;
}

/**
 * `ignore`: no effect but to show that the connection lives. `ack`, `reject`: answer to a subscription. `pong`: answer
 * to our keepalive. `welcome`: sending may begin. `reply`: a server's ping, answered by the rule's template.
 * `reconnect`: the server will close. `history`: data from before the subscription, not emitted.
 */
export type ControlAction = "ignore" | "ack" | "reject" | "pong" | "welcome" | "reply" | "reconnect" | "history";

/** Separates the parts of an echo key; never appears unescaped in a JSON text. */
export const ECHO_SEPARATOR = "\u0000";
