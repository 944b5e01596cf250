/**
 * The languages of a descriptor: expressions and pointers, fan-out pointers, predicates, templates with placeholders, and
 * the generator of subscriptions. In: texts and the plain values TOML gives. Out: compiled closures, templates and
 * messages, or every error with its place in the text. Everything is bounded and total. Knows nothing of TOML, files,
 * sockets or any exchange.
 */
export { type Compiled, type LangError } from "./diagnostic.ts";
export { compileExpression } from "./expression.ts";
export { type CompiledPredicate, compilePredicate, type PredicateError, type PredicateSpec } from "./predicate.ts";
export { parseGenerator } from "./generator_parser.ts";
export { type EmittedMessage, type GeneratorInput, type GeneratorRun, runGenerator } from "./generator_runner.ts";
export { type GeneratorProgram } from "./generator_tree.ts";
export { type LiteralSpec, type TestSpec, type TestTableSpec } from "./test_spec.ts";
export { nearestName } from "./nearest.ts";
export { compileRows, compileSource } from "./source.ts";
export { writeTextLiteral } from "./text_literal.ts";
export { compileTemplate, type TemplateScope } from "./template.ts";
