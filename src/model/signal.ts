/**
 * What a control frame means to the session it came from, as the pipeline read it off the frame by the descriptor's
 * control and acknowledgement rules.
 */
export interface ControlSignal {
  /** Name of the rule, for reports: `ack`, `pong`, `heartbeat`. */
  readonly rule: string;
  readonly action: ControlAction;
  /** Id of the request it answers, as text; null where the frame names none. */
  readonly correlation: string | null;
  /** Keys of the items it names, as `SubscribeItem.echo` spells them; empty where it names none. */
  readonly echoes: readonly string[];
  /** Keys of the items that an ack lists as accepted: others of its request are not. Null where it lists none. */
  readonly accepted: readonly string[] | null;
  /** Keys of the items that an ack lists as not accepted. */
  readonly rejected: readonly string[];
  /** The exchange's words: why a request was rejected, why it will close. */
  readonly reason: string | null;
  /** Text captured for the reply, and the rule's index in the plan; null where the rule captures nothing. */
  readonly capture: string | null;
  /** Texts captured by name; absent where the rule captures none so. */
  readonly captures?: Readonly<Record<string, string>>;
  readonly ruleIndex: number;
  /** Whether a rejection is the exchange's last word, as its rule says: asking again cannot help. */
  readonly final: boolean;
}

/**
 * `ignore`: named, no effect, counts as life. `ack`, `reject`: see the subscription. `pong`: answer to our keepalive.
 * `welcome`: we may begin to send. `reply`: a server's ping, answered by the rule's template. `reconnect`: the server
 * will go away. `history`: data from before the subscription, not emitted.
 */
export type ControlAction = "ignore" | "ack" | "reject" | "pong" | "welcome" | "reply" | "reconnect" | "history";

/** Separates the parts of an echo key; cannot stand in a JSON text unescaped. */
export const ECHO_SEPARATOR = "\u0000";
