import { z } from "zod";
import { TIME_UNITS } from "../model/mod.ts";

/** Parts of the descriptor language that many tables share: pointers, sources, field values, predicates. */

/** Text that is not empty. */
export const text = z.string().min(1);
/** RFC 6901 pointer; empty: the whole value. The compiler checks its syntax. */
export const pointer = z.string();
/** `/…` pointer relative to the row, `""` the row itself, any other text an expression. */
export const source = z.string();
/** Fan-out pointer with `*` segments. */
export const rows = z.string();
/** A value that is compared as text. */
export const scalar = z.union([z.string(), z.number(), z.boolean()]);

const oneOrMoreTexts = z.union([z.string(), z.array(z.string()).min(1)]);

/** A test as a table; every given key must hold. */
export const testTableSchema = z.strictObject({
  prefix: oneOrMoreTexts.optional().describe("Text that the value begins with, or a list of which one does"),
  suffix: oneOrMoreTexts.optional().describe("Text that the value ends with, or a list of which one does"),
  contains: oneOrMoreTexts.optional().describe("Text that the value contains, or a list of which one is contained"),
  exists: z.boolean().optional().describe("Whether the value exists; JSON null exists"),
  is: z.enum(["null", "array", "object", "string", "number", "bool"]).optional().describe(
    "Required kind of JSON value",
  ),
  not: z.union([scalar, z.array(scalar).min(1)]).optional().describe("Value that is forbidden, or a list of them"),
  gt: scalar.optional().describe("The value is greater than this decimal"),
  lt: scalar.optional().describe("The value is less than this decimal"),
});

/** One test: a literal, a list of literals of which one must match, or a table. */
export const testSchema = z.union([scalar, z.array(scalar).min(1), testTableSchema]);

/** A condition: an expression, or a table of source → test in which every test must hold. */
export const predicateSchema = z.union([text, z.record(z.string(), testSchema)]);

/** A field value as a table. */
export const fieldTableSchema = z.strictObject({
  at: z.union([source, z.array(source).min(1)]).describe(
    "Where the row holds the value. A list: the first source that yields a value counts",
  ),
  map: z.record(z.string(), z.string()).optional().describe(
    "Translates texts to texts; booleans match `true` and `false`. Absent: keeps the text",
  ),
  other: z.string().optional().describe("Result for texts that `map` lacks. Absent: such a text is a fault"),
  absent: z.array(z.string()).min(1).optional().describe('Texts that mean "no value". Absent: none'),
  unit: z.enum(TIME_UNITS).optional().describe("Unit of the time. Absent: `parse.time_unit`"),
  required: z.boolean().optional().describe("Whether a missing value is a fault"),
});

/** A field value: a source, or a table. */
export const fieldSchema = z.union([source, fieldTableSchema]);

/** Returns the keys of a table, each optional and without its default, except those in `left`. */
export function optionalKeys(
  shape: Readonly<Record<string, z.ZodType>>,
  left: readonly string[],
): Record<string, z.ZodType> {
  const keys = Object.entries(shape).filter(([key]) => !left.includes(key));
  return Object.fromEntries(keys.map(([key, schema]) => {
    const inner = schema instanceof z.ZodDefault || schema instanceof z.ZodPrefault
      ? schema.unwrap() as z.ZodType
      : schema;
    const optional = inner.optional();
    return [key, schema.description === undefined ? optional : optional.describe(schema.description)];
  }));
}

/** A source, or a table that says more. */
export type FieldValues = z.output<typeof fieldSchema>;
/** An expression, or a table of source and test. */
export type PredicateValues = z.output<typeof predicateSchema>;
/** A literal, a list of them, or a table. */
export type TestValues = z.output<typeof testSchema>;
