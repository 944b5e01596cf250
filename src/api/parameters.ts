import type { JsonSchema } from "./json_schema.ts";

/** One parameter of an endpoint. Integers have a default; texts and choices may be absent. */
export type Parameter =
  | { readonly name: string; readonly in: "path" | "query"; readonly type: "text"; readonly description: string }
  | {
    readonly name: string;
    readonly in: "query";
    readonly type: "choice";
    readonly choices: readonly string[];
    readonly description: string;
  }
  | {
    readonly name: string;
    readonly in: "query";
    readonly type: "integer";
    readonly min: number;
    readonly max: number;
    readonly fallback: number;
    readonly description: string;
  };

/** The values of a request's parameters. */
export interface ParameterValues {
  /** Returns a text; undefined if it was not given. */
  readonly text: (name: string) => string | undefined;
  readonly integer: (name: string) => number;
}

/** Reads the parameters of a request. Returns a text if something is wrong. */
export function readParameters(
  parameters: readonly Parameter[],
  given: { readonly path: Readonly<Record<string, string>>; readonly query: URLSearchParams },
): ParameterValues | string {
  const known = parameters.filter((parameter) => parameter.in === "query").map(({ name }) => name);
  for (const name of new Set(given.query.keys())) {
    if (!known.includes(name)) {
      return `No parameter ${name}: ${known.length === 0 ? "there is none" : `there are ${known.join(", ")}`}`;
    }
    if (given.query.getAll(name).length > 1) return `The parameter ${name} is given more than once`;
  }
  const texts = new Map<string, string>();
  const integers = new Map<string, number>();
  for (const parameter of parameters) {
    const { name } = parameter;
    const text = parameter.in === "path" ? given.path[name] : given.query.get(name) ?? undefined;
    if (parameter.type === "integer") {
      const number = text === undefined ? parameter.fallback : /^\d{1,15}$/.test(text) ? Number(text) : NaN;
      if (!(number >= parameter.min && number <= parameter.max)) {
        return `The parameter ${name} is ${
          JSON.stringify(text)
        }: it has to be an integer from ${parameter.min} to ${parameter.max}`;
      }
      integers.set(name, number);
    } else if (text !== undefined) {
      if (parameter.type === "choice" && !parameter.choices.includes(text)) {
        return `The parameter ${name} is ${JSON.stringify(text)}: it has to be one of ${parameter.choices.join(", ")}`;
      }
      texts.set(name, text);
    }
  }
  return { text: (name) => texts.get(name), integer: (name) => integers.get(name) ?? 0 };
}

/** Returns the OpenAPI description of a parameter. */
export function describeParameter(parameter: Parameter): unknown {
  const { name, description } = parameter;
  return { name, in: parameter.in, required: parameter.in === "path", description, schema: schemaOf(parameter) };
}

function schemaOf(parameter: Parameter): JsonSchema {
  switch (parameter.type) {
    case "text":
      return { type: "string" };
    case "choice":
      return { enum: parameter.choices };
    case "integer":
      return { type: "integer", minimum: parameter.min, maximum: parameter.max, default: parameter.fallback };
  }
}
