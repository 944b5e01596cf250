type Schema = Readonly<Record<string, unknown>>;

/**
 * Returns where a value differs from a JSON Schema, of the words that the API's document uses. Throws where a schema uses
 * another word, so that nothing is left unchecked.
 */
export function differences(schema: Schema, value: unknown, at = "$"): readonly string[] {
  for (const word of Object.keys(schema)) if (!WORDS.has(word)) throw new Error(`${at}: unknown word ${word}`);
  if (Array.isArray(schema.anyOf)) {
    const each = schema.anyOf.map((option: Schema) => differences(option, value, at));
    return each.some((found) => found.length === 0) ? [] : each[0];
  }
  if (Array.isArray(schema.enum)) return schema.enum.includes(value) ? [] : [`${at}: ${JSON.stringify(value)}`];
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  if (!types.some((type) => isOf(type, value))) return [`${at}: ${JSON.stringify(value)} is no ${types.join(" or ")}`];
  if (schema.format === "date-time" && value !== null && !/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(String(value))) {
    return [`${at}: ${value} is no time`];
  }
  if (Array.isArray(value)) {
    return value.flatMap((element, index) => differences(schema.items as Schema, element, `${at}[${index}]`));
  }
  if (typeof value !== "object" || value === null || schema.properties === undefined) return [];
  const properties = schema.properties as Readonly<Record<string, Schema>>;
  const missing = (schema.required as readonly string[]).filter((name) => !(name in value));
  return [
    ...missing.map((name) => `${at}.${name}: missing`),
    ...Object.entries(value).flatMap(([name, member]) =>
      properties[name] === undefined
        ? [`${at}.${name}: not in the schema`]
        : differences(properties[name], member, `${at}.${name}`)
    ),
  ];
}

const WORDS = new Set([
  "type",
  "description",
  "properties",
  "required",
  "additionalProperties",
  "items",
  "enum",
  "anyOf",
  "format",
]);

function isOf(type: unknown, value: unknown): boolean {
  switch (type) {
    case "null":
      return value === null;
    case "array":
      return Array.isArray(value);
    case "object":
      return typeof value === "object" && value !== null && !Array.isArray(value);
    case "integer":
      return Number.isInteger(value);
    case "string":
      return typeof value === "string";
    case "number":
      return typeof value === "number";
    case "boolean":
      return typeof value === "boolean";
    default:
      throw new Error(`Unknown type ${type}`);
  }
}
