import type { AliasRule, ControlAction, ControlRule, Expression } from "../../model/mod.ts";
import type {
  AckValues,
  ControlValues,
  DescriptorValues,
  PredicateValues,
  RejectValues,
  RouteValues,
} from "../schema_descriptor.ts";
import { predicateOf, rowsOf, sourceOf, sourcesOf, templateOf } from "./compile.ts";
import { checkConnectionIds, connectionIdsOf } from "./connections.ts";
import type { Place } from "./place.ts";
import type { Texts } from "./texts.ts";

/**
 * The rules for frames that are not data, in the order in which they are tried: `[[control]]`, then the welcome of each
 * connection, then the rejections and acknowledgements of each subscription. Rejections stand first, because an
 * acknowledgement of the 1.4 form may match by the mere presence of a request id.
 */
export function buildControlRules(descriptor: DescriptorValues, place: Place, texts: Texts): readonly ControlRule[] {
  return [
    ...explicitRules(descriptor, place, texts),
    ...welcomeRules(descriptor, place),
    ...answerRules(descriptor, place, "reject"),
    ...answerRules(descriptor, place, "ack"),
  ];
}

const EMPTY: Omit<ControlRule, "name" | "action"> = {
  connections: null,
  text: null,
  when: null,
  correlation: null,
  rows: null,
  echo: [],
  accepted: null,
  rejected: null,
  reason: null,
  final: null,
  capture: null,
  reply: null,
  alias: null,
};

function explicitRules(descriptor: DescriptorValues, place: Place, texts: Texts): readonly ControlRule[] {
  const names = new Set<string>();
  return descriptor.control.map((control, index) => {
    const at = place.at("control", index);
    if (control.connections !== undefined) {
      checkConnectionIds(control.connections, descriptor, at.at("connections"));
    }
    checkControl(control, at);
    if (names.has(control.name)) {
      at.at("name").error(`Name ${control.name} is given to two control rules: make it unique`);
    }
    names.add(control.name);
    return {
      ...EMPTY,
      name: control.name,
      action: control.action,
      connections: control.connections === undefined ? null : control.connections,
      text: control.text ?? null,
      when: control.when === undefined ? null : predicateOf(control.when, at.at("when")),
      reason: control.reason === undefined ? null : sourceOf(control.reason, at.at("reason")),
      ...captured(control.capture, at.at("capture")),
      reply: control.reply === undefined ? null : templateOf(control.reply, at.at("reply"), {
        ...texts.scope,
        placeholders: [...texts.sent, "capture"],
        captures: typeof control.capture === "object" ? Object.keys(control.capture) : [],
      }),
      alias: aliasRule(control.route, descriptor, at.at("route")),
    };
  });
}

function checkControl(control: ControlValues, place: Place): void {
  if ((control.text === undefined) === (control.when === undefined)) {
    place.error("A control rule has either `text`, the whole frame, or `when`, a predicate on it");
  }
  if ((control.action === "reply") !== (control.reply !== undefined)) {
    place.error("`reply` and action `reply` belong together: the one says what the other sends");
  }
  if (control.reply?.includes("{capture}") && typeof control.capture !== "string") {
    place.at("reply").error("No `capture`: it says what {capture} stands for");
  }
}

function welcomeRules(descriptor: DescriptorValues, place: Place): readonly ControlRule[] {
  return descriptor.ws.connections.flatMap((connection, index) => {
    if (connection.welcome === undefined) return [];
    const when = predicateOf(connection.welcome, place.at("ws", "connections", index, "welcome"));
    return [{ ...EMPTY, name: "welcome", action: "welcome" as const, connections: [connection.id], when }];
  });
}

/** Rules of all subscriptions for one kind of answer. */
function answerRules(
  descriptor: DescriptorValues,
  place: Place,
  action: Extract<ControlAction, "ack" | "reject">,
): readonly ControlRule[] {
  return descriptor.subscriptions.flatMap((subscription, index) => {
    const answer = subscription[action];
    if (answer === undefined) return [];
    const at = place.at("subscriptions", index, action);
    const spec = answerPredicate(answer, at);
    if (spec === null) return [];
    return [{
      ...EMPTY,
      name: action,
      action,
      connections: connectionIdsOf(subscription.connection_id),
      when: predicateOf(spec.predicate, spec.place),
      correlation: answer.correlation_pointer === undefined
        ? null
        : sourceOf(answer.correlation_pointer, at.at("correlation_pointer")),
      rows: answer.rows === undefined ? null : rowsOf(answer.rows, at.at("rows")),
      ...answerWhere(answer, at),
      echo: sourcesOf(answerEcho(answer), at.at("echo")),
      ...answerLists(answer, at),
      reason: "reason" in answer && answer.reason !== undefined ? sourceOf(answer.reason, at.at("reason")) : null,
      final: "final" in answer && answer.final !== undefined ? predicateOf(answer.final, at.at("final")) : null,
      alias: aliasRule(answer.route, descriptor, at.at("route")),
    }];
  });
}

function answerWhere({ where }: AckValues | RejectValues, place: Place): Pick<ControlRule, "where"> {
  const predicate = where === undefined ? null : predicateOf(where, place.at("where"));
  return predicate === null ? {} : { where: predicate };
}

/** Returns the sources of an item's echo in an answer: by default each listed element itself. */
export function answerEcho(answer: AckValues | RejectValues): readonly string[] {
  return answer.echo ?? (isListing(answer) ? [""] : []);
}

/** Returns the sources in the subscribe message whose values `answerEcho` repeats. */
export function answerItem(ack: AckValues): readonly string[] {
  return ack.item ?? (isListing(ack) ? [""] : []);
}

function isListing(answer: AckValues | RejectValues): boolean {
  const { accepted, rejected } = listsOf(answer);
  return accepted !== undefined || rejected !== undefined;
}

function listsOf(answer: AckValues | RejectValues): { readonly accepted?: string; readonly rejected?: string } {
  return {
    accepted: "accepted" in answer ? answer.accepted : undefined,
    rejected: "rejected" in answer ? answer.rejected : undefined,
  };
}

function answerLists(answer: AckValues | RejectValues, place: Place): Pick<ControlRule, "accepted" | "rejected"> {
  const { accepted, rejected } = listsOf(answer);
  const { rows } = answer;
  if (rows !== undefined && (accepted !== undefined || rejected !== undefined)) {
    place.at("rows").error("`accepted` and `rejected` say themselves where items are listed: leave `rows` out");
  }
  return {
    accepted: accepted === undefined ? null : rowsOf(accepted, place.at("accepted")),
    rejected: rejected === undefined ? null : rowsOf(rejected, place.at("rejected")),
  };
}

/** Builds the rule that sets or removes an alias; null if the frame does neither. */
function aliasRule(values: RouteValues | undefined, descriptor: DescriptorValues, place: Place): AliasRule | null {
  if (values === undefined) return null;
  if ((values.set === undefined) === (values.forget === undefined)) {
    place.error("A route has either `set`, what is remembered, or `forget = true`");
  }
  if (descriptor.parse?.route_key === undefined) {
    place.error("No `route_key` in [parse]: it says where later frames carry the key");
  }
  const key = sourceOf(values.key, place.at("key"));
  if (key === null) return null;
  const set = values.set === undefined ? null : Object.fromEntries(
    Object.entries(values.set).flatMap(([name, text]) => {
      const found = sourceOf(text, place.at("set", name));
      return found === null ? [] : [[name, found] as const];
    }),
  );
  return { key, set };
}

/**
 * Returns the predicate that matches an answer: `when`, or `field` with `value`; without a value the field has to
 * exist. Null if there is none.
 */
export function answerPredicate(
  answer: AckValues | RejectValues,
  place: Place,
): { readonly predicate: PredicateValues; readonly place: Place } | null {
  if (answer.when !== undefined) {
    if (answer.field !== undefined) place.error("Give either `when` or `field` with `value`");
    return { predicate: answer.when, place: place.at("when") };
  }
  if (answer.field === undefined) {
    if (answer.value !== undefined) place.at("value").error("`value` without `field`: name the pointer that has it");
    return null;
  }
  return { predicate: { [answer.field]: answer.value ?? { exists: true } }, place: place.at("field") };
}

/** Lowers what a rule captures: one text, or several by name. */
function captured(
  values: string | Readonly<Record<string, string>> | undefined,
  place: Place,
): Pick<ControlRule, "capture" | "captures"> {
  if (values === undefined) return { capture: null };
  if (typeof values === "string") return { capture: sourceOf(values, place) };
  const captures: Record<string, Expression> = {};
  for (const [name, text] of Object.entries(values)) {
    const expression = sourceOf(text, place.at(name));
    if (expression !== null) captures[name] = expression;
  }
  return { capture: null, captures };
}
