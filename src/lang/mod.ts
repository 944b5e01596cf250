/**
 * The languages of a descriptor: expressions and pointers, fan-out pointers, predicates, templates with placeholders,
 * and the generator of subscriptions. In: texts and plain values of TOML. Out: checked trees, templates and messages as
 * data, or every error with its offset in the text. All work is bounded, and no text makes it throw. Must not know
 * TOML, files, sockets, how trees are evaluated, or any exchange.
 */
export { type LangError, type Parsed } from "./diagnostic.ts";
export { type Definition, type Definitions, readDefinition } from "./definitions.ts";
export { parseExpression } from "./expression.ts";
export { type ParsedPredicate, parsePredicate, type PredicateError, type PredicateSpec } from "./predicate.ts";
export { parseGenerator } from "./generator_parser.ts";
export { checkUnreached, type GeneratorNames } from "./generator_names.ts";
export { type EmittedMessage, type GeneratorInput, type GeneratorRun, runGenerator } from "./generator_runner.ts";
export { type GeneratorProgram } from "./generator_tree.ts";
export { type LiteralSpec, type TestSpec, type TestTableSpec } from "./condition_spec.ts";
export { nearestName } from "./nearest.ts";
export { parseRows, parseSource } from "./source.ts";
export { writeTextLiteral } from "./text_literal.ts";
export { parseTemplate, type TemplateScope } from "./template.ts";
