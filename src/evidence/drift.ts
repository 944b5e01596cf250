import type { Channel, FramePlan } from "../model/mod.ts";
import { ruleKey, ruleNames } from "./evidence_run.ts";
import type { Kinds, RuleAccount } from "./rule_account.ts";

/** A difference between an exchange and its descriptor or evidence. */
export interface Finding {
  /**
   * `unmatched`: a frame that no rule matches; `fault`: a frame that its rule cannot read; `rejected`: a stream that
   * the exchange rejected; `silent`: a channel without events that is not quiet; `kind`: a value of another JSON type
   * than in the evidence; `lost_field`: a field that every event of the evidence has, and no received one.
   */
  readonly code: "unmatched" | "fault" | "rejected" | "silent" | "kind" | "lost_field";
  readonly about: string;
  readonly text: string;
  readonly count: number;
  readonly example: string | null;
}

/** How often a rule was exercised. */
export interface RuleVerdict {
  readonly type: "control" | "event";
  readonly name: string;
  readonly count: number;
  /** Why an unexercised rule may be quiet; null if it was exercised, or should have been. */
  readonly quiet: string | null;
}

/** What was subscribed to at an exchange. */
export interface Asked {
  readonly channels: readonly Channel[];
  /** Channels that may be silent for long, on every connection that has them. */
  readonly quiet: ReadonlySet<Channel>;
  readonly rejected: readonly { readonly stream: string; readonly reason: string }[];
}

/** From this many events on, a field that none of them has counts as lost. */
const EVENTS_MIN = 3;

/** Compares what an exchange sent with its descriptor's rules and evidence. */
export function findDrift(
  plan: FramePlan,
  { live, evidence, asked }: {
    readonly live: RuleAccount;
    readonly evidence: RuleAccount | null;
    readonly asked: Asked;
  },
): { readonly findings: readonly Finding[]; readonly rules: readonly RuleVerdict[] } {
  const rules = ruleNames(plan).map((rule) => {
    const { type, name } = rule;
    const count = live.rules.get(ruleKey(rule))?.count ?? 0;
    return { type, name, count, quiet: count > 0 ? null : whyQuiet(plan, { type, name }, { live, asked }) };
  });
  const silent = asked.channels.filter((channel) => !live.channels.has(channel) && !asked.quiet.has(channel));
  return {
    findings: [
      ...asked.rejected.map(({ stream, reason }) => finding("rejected", stream, reason)),
      ...[...live.unmatched].map(([shape, { count, example }]) =>
        finding("unmatched", shape, "no rule matches these frames", { count, example })
      ),
      ...[...live.faults].map(([where, { count, example }]) =>
        finding("fault", where, "a rule cannot read these frames", { count, example })
      ),
      ...silent.map((channel) => finding("silent", channel, "was subscribed to and sent nothing")),
      ...(evidence === null ? [] : [...live.rules].flatMap(([key, seen]) => {
        const known = evidence.rules.get(key);
        if (known === undefined) return [];
        return [
          ...changedKinds(key, seen.kinds, known.kinds),
          ...[...known.fields].flatMap(([field, count]) =>
            count < known.count || seen.count < EVENTS_MIN || seen.fields.has(field)
              ? []
              : [finding("lost_field", key, `no event has ${field}`, { count: seen.count })]
          ),
        ];
      })),
    ],
    rules,
  };
}

/** Why nothing may have exercised a rule; null if something should have. */
function whyQuiet(
  plan: FramePlan,
  { type, name }: { readonly type: string; readonly name: string },
  { live, asked }: { readonly live: RuleAccount; readonly asked: Asked },
): string | null {
  if (type === "control") return "no such frame was due";
  const rule = plan.events.find((one) => one.name === name);
  if (rule === undefined || rule.channel === null) return null;
  if (!asked.channels.includes(rule.channel)) return "its channel was not asked for";
  if (rule.source !== "ws") return "no such answer was asked for";
  if (asked.quiet.has(rule.channel)) return "its channel may be quiet";
  return live.channels.has(rule.channel) ? "other rules told of its channel" : null;
}

/** Values whose kinds the evidence does not have at their places; null is of no kind. */
function changedKinds(key: string, seen: ReadonlyMap<string, Kinds>, known: ReadonlyMap<string, Kinds>): Finding[] {
  return [...seen].flatMap(([path, kinds]) => {
    const before = [...known.get(path) ?? []].filter((kind) => kind !== "null");
    const others = [...kinds].filter((kind) => kind !== "null" && !before.includes(kind));
    if (before.length === 0 || others.length === 0) return [];
    return [finding("kind", `${key} ${path}`, `${others.join(" and ")} instead of ${before.join(" or ")}`)];
  });
}

function finding(
  code: Finding["code"],
  about: string,
  text: string,
  { count = 1, example = null }: { readonly count?: number; readonly example?: string | null } = {},
): Finding {
  return { code, about, text, count, example };
}
