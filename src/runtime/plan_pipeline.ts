import { Pipeline } from "../derive/mod.ts";
import type { ExchangePlan, Plan, RunnableExchange } from "../model/mod.ts";

/** An exchange instance that can run, with its plan. */
export interface RunnableInstance {
  readonly exchange: ExchangePlan;
  readonly runnable: RunnableExchange;
}

/**
 * Makes a pipeline that derives each session by the plan it names; sessions of old journals, which name none, by
 * `plan`.
 */
export function createPipeline(plan: Plan): Pipeline {
  const pipeline = new Pipeline([], plan.dedup, plan.bookTops);
  for (const { exchange: { descriptorHash }, runnable } of runnableInstances(plan)) {
    pipeline.setPlan(runnable.frames, { dedup: plan.dedup, bookTops: plan.bookTops, descriptorHash });
  }
  return pipeline;
}

/** Returns the enabled instances of a plan that have no errors. */
export function runnableInstances(plan: Plan): readonly RunnableInstance[] {
  return plan.exchanges.flatMap((exchange) =>
    exchange.enabled && exchange.runnable !== null ? [{ exchange, runnable: exchange.runnable }] : []
  );
}
