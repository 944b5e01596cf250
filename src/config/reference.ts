import { branchesOf, type JsonSchema, jsonSchema, partSchema, type SchemaName } from "./json_schema.ts";

/** A table of the reference: a TOML table with its keys. */
interface Section {
  readonly title: string;
  readonly description: string;
  readonly rows: readonly string[];
}

/**
 * The keys of a file as Markdown: one heading and one table for each TOML table, in the order of the schema. Keys that
 * are plain values stand in the table of the one that holds them; tables get a heading of their own.
 */
export function referenceTables(name: SchemaName): string {
  const sections = [...sectionsOf(jsonSchema(name), ""), ...(name === "descriptor" ? languageSections() : [])];
  return sections.filter((section) => section.rows.length > 0).map((section) =>
    [
      `### ${section.title}`,
      "",
      ...(section.description === "" ? [] : [`${section.description}.`, ""]),
      "| key | type | default | meaning |",
      "| --- | --- | --- | --- |",
      ...section.rows,
      "",
    ].join("\n")
  ).join("\n");
}

/** Begin and end of a generated part of a document. */
export function referenceMarkers(name: SchemaName): { readonly begin: string; readonly end: string } {
  return { begin: `<!-- reference ${name}: generated, do not edit -->`, end: `<!-- end of reference ${name} -->` };
}

/** A document with its generated part renewed; null where the markers are missing. */
export function renewReference(document: string, name: SchemaName): string | null {
  const { begin, end } = referenceMarkers(name);
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from === -1 || to < from) return null;
  const tables = `<!-- deno-fmt-ignore-start -->\n\n${referenceTables(name)}\n<!-- deno-fmt-ignore-end -->`;
  return `${document.slice(0, from + begin.length)}\n${tables}\n${document.slice(to)}`;
}

function sectionsOf(schema: JsonSchema, path: string, isList = false): readonly Section[] {
  if (Object.hasOwn(DEFAULTS, path)) return [defaultsSection(schema, path)];
  const tables = branchesOf(schema).filter((branch) => branch.properties !== undefined);
  const kind = discriminatorOf(tables);
  const description = schema.description ?? "";
  if (kind === null) {
    return tables.flatMap((table) =>
      tableSections(table, { path, title: titleOf(path, isList), description, skip: [] })
    );
  }
  const shared = sharedKeys(tables, kind);
  const first = tables[0];
  const common = tableSections(pick(first, shared), {
    path,
    title: titleOf(path, isList),
    description: `${description}. Keys of every \`${kind}\``,
    skip: [],
  });
  const special = tables.flatMap((table) => {
    const property = table.properties?.[kind];
    const value = String(property?.const);
    return tableSections(table, {
      path,
      title: `${titleOf(path, isList)} with \`${kind} = "${value}"\``,
      description: property?.description ?? "",
      skip: [...shared, kind],
    });
  });
  return [...common, ...special];
}

/** The tables whose keys are those of others: the others, and the keys that are not among them. */
const DEFAULTS: Readonly<Record<string, readonly [list: string, left: string]>> = {
  connection_defaults: ["[[ws.connections]]", " but `id`"],
  instrument_defaults: ["[[rest.instruments]]", ""],
  subscription_defaults: ["[[subscriptions]]", ""],
  event_defaults: ["[[events]]", " but `kind`, `name` and `like`"],
};

function defaultsSection(schema: JsonSchema, path: string): Section {
  const [list, left] = DEFAULTS[path];
  return {
    title: titleOf(path, false),
    description: schema.description ?? "",
    rows: [`| any key of \`${list}\`${left} | as there |  | as there |`],
  };
}

function tableSections(
  table: JsonSchema,
  scope: {
    readonly path: string;
    readonly title: string;
    readonly description: string;
    readonly skip: readonly string[];
  },
): readonly Section[] {
  const keys = Object.entries(table.properties ?? {})
    .filter(([key]) => !scope.skip.includes(key))
    .map(([key, value]) => [key, tableOrListOf(value)] as const);
  const own: Section = {
    title: scope.title,
    description: scope.description,
    rows: keys.filter(([, value]) => !hasTable(value) || isInlineOnly(value)).map(([key, value]) =>
      row(key, value, table)
    ),
  };
  const further = keys.filter(([, value]) => hasTable(value) && !isInlineOnly(value)).flatMap(([key, value]) => {
    const path = scope.path === "" ? key : `${scope.path}.${key}`;
    return value.items === undefined
      ? sectionsOf(value, path)
      : sectionsOf({ ...value.items, description: value.items.description ?? value.description }, path, true);
  });
  return [own, ...further];
}

/** The tables that stand inside values: fields and tests. */
function languageSections(): readonly Section[] {
  return [
    ...tableSections(partSchema("field"), {
      path: "",
      title: "Field values as a table",
      description: "A field is a text, which is one source, or a table",
      skip: [],
    }),
    ...tableSections(partSchema("test"), {
      path: "",
      title: "Tests of a predicate as a table",
      description:
        "A test is a literal, a list of literals of which one has to match, or a table of which all has to hold",
      skip: [],
    }),
  ];
}

/** A table where a list of such tables may stand too; any other value as it is. */
function tableOrListOf(schema: JsonSchema): JsonSchema {
  const [table, list, ...more] = schema.anyOf ?? [];
  if (table?.properties === undefined || list?.items?.properties === undefined || more.length > 0) return schema;
  return { ...table, description: `${schema.description ?? ""}. A table, or a list of such tables` };
}

/** Values that may be a text or a table (sources, predicates, fields) are one row: the language page explains them. */
function isInlineOnly(schema: JsonSchema): boolean {
  return schema.anyOf !== undefined;
}

function hasTable(schema: JsonSchema): boolean {
  return branchesOf(schema.items ?? schema).some((branch) => branch.properties !== undefined);
}

function titleOf(path: string, isList: boolean): string {
  if (path === "") return "Top level";
  return isList ? `\`[[${path}]]\`` : `\`[${path}]\``;
}

/** The key that tells branches apart; null where there is but one. */
function discriminatorOf(tables: readonly JsonSchema[]): string | null {
  if (tables.length < 2) return null;
  const keys = Object.keys(tables[0].properties ?? {});
  return keys.find((key) => tables.every((table) => table.properties?.[key]?.const !== undefined)) ?? null;
}

function sharedKeys(tables: readonly JsonSchema[], kind: string): readonly string[] {
  const same = (key: string, table: JsonSchema) =>
    JSON.stringify(table.properties?.[key]) === JSON.stringify(tables[0].properties?.[key]);
  return Object.keys(tables[0].properties ?? {}).filter((key) => key !== kind && tables.every((t) => same(key, t)));
}

function pick(table: JsonSchema, keys: readonly string[]): JsonSchema {
  const entries = Object.entries(table.properties ?? {}).filter(([key]) => keys.includes(key));
  return { ...table, properties: Object.fromEntries(entries) };
}

function row(key: string, schema: JsonSchema, table: JsonSchema): string {
  const isRequired = (table.required ?? []).includes(key);
  const fallback = schema.default === undefined
    ? (isRequired ? "**required**" : "")
    : `\`${JSON.stringify(schema.default)}\``;
  const cells = [`\`${key}\``, typeOf(schema), fallback, schema.description ?? ""];
  return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
}

function typeOf(schema: JsonSchema): string {
  return [...new Set(branchesOf(schema).map(typeOfBranch))].join(" or ");
}

function typeOfBranch(schema: JsonSchema): string {
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``;
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(", ");
  const types = typeof schema.type === "string" ? [schema.type] : schema.type ?? [];
  return types.map((type) => {
    switch (type) {
      case "string":
        return "text";
      case "array":
        return schema.items === undefined ? "list" : `list of ${typeOf(schema.items)}`;
      case "object":
        return "table";
      default:
        return `${type}${range(schema)}`;
    }
  }).join(" or ");
}

function range(schema: JsonSchema): string {
  const { minimum, maximum, exclusiveMinimum } = schema;
  if (exclusiveMinimum !== undefined) return ` > ${exclusiveMinimum}`;
  if (minimum === undefined || minimum <= Number.MIN_SAFE_INTEGER) return "";
  return maximum === undefined || maximum >= MAXIMUM_WORTH_SAYING ? ` ≥ ${minimum}` : ` ${minimum} to ${maximum}`;
}

/** Bounds at or above this are technical: 2^31 - 1 milliseconds are 24 days. */
const MAXIMUM_WORTH_SAYING = 2_147_483_647;
