/**
 * Runs the program: reads the configuration and its files, runs the collector, serves health, metrics and the API, and
 * reloads. In: a path and a Host. Out: a `Service` that can be asked, reloaded and stopped. Must not know command
 * lines, terminals or what a signal is called.
 */
export type { ServiceContext } from "./context.ts";
export {
  fetchHistoryAlone,
  type HistoryDemand,
  type HistoryOutcome,
  type HistoryTask,
  historyTask,
  isJournalHeld,
} from "./fetch_history.ts";
export { type ListSource, loadWithAskedLists, loadWithKeptLists } from "./listed_sources.ts";
export { planBody } from "./plan_body.ts";
export { problemsOf, type ServiceFacts } from "./problems.ts";
export { Service, type ServiceEnd, type ServiceOptions } from "./service.ts";
export {
  DEFAULT_CONFIG,
  findDescriptor,
  hasErrors,
  loadDescriptorNamed,
  loadFromFiles,
  type LoadSettings,
  type ReadConfig,
  shippedDescriptor,
  shippedNames,
} from "./sources.ts";
export { UsageError } from "./usage_error.ts";
