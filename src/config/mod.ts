/**
 * What a user may write, and what it means. In: the texts of `collector.toml`, descriptors and symbol maps, read by
 * functions that are handed in. Out: a `Plan`, or issues with file, line, column and what would be right; JSON Schemas
 * and reference tables from the same schemas. Pure. The only room that knows TOML and zod; it must not know sockets,
 * files or how a plan is run.
 */
export { type DescribedArg, describeDescriptor, type DescriptorAbout } from "./about.ts";
export type { FoundFile } from "./descriptor_file.ts";
export { type JsonSchema, jsonSchema, jsonSchemaText, type SchemaName } from "./json_schema.ts";
export type { LoadedConfig, LoadOptions } from "./load.ts";
export { withHome } from "./paths.ts";
export { loadConfig, loadDescriptor, type LoadedDescriptor } from "./load_config.ts";
export { referenceTables } from "./reference.ts";
export { countIssues, issueToJson, renderIssue } from "./render_issue.ts";
export type { CollectorValues, ExchangeValues, SinkValues } from "./schema_collector.ts";
export type { DescriptorValues } from "./schema_descriptor.ts";
export { suggest } from "./suggest.ts";
