import { Pipeline } from "../derive/mod.ts";
import type { ExchangePlan, Plan, RunnableExchange } from "../model/mod.ts";

/** An exchange instance that can run, with its plan. */
export interface RunnableInstance {
  readonly exchange: ExchangePlan;
  readonly runnable: RunnableExchange;
}

/** A pipeline that derives sessions by the plans they name; those of older journals, which name none, by today's. */
export function createPipeline(plan: Plan): Pipeline {
  const pipeline = new Pipeline([], plan.dedup, plan.bookTops);
  for (const { exchange: { descriptorHash }, runnable } of runnableInstances(plan)) {
    pipeline.setPlan(runnable.frames, { dedup: plan.dedup, bookTops: plan.bookTops, descriptorHash });
  }
  return pipeline;
}

/** The instances of a plan that are to run and can. */
export function runnableInstances(plan: Plan): readonly RunnableInstance[] {
  return plan.exchanges.flatMap((exchange) =>
    exchange.enabled && exchange.runnable !== null ? [{ exchange, runnable: exchange.runnable }] : []
  );
}
