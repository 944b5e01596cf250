import assert from "node:assert/strict";
import { dirname, relative, resolve } from "node:path";

/** What each folder of src may import: other folders, and packages. docs/ARCHITECTURE.md gives the reasons. */
const TABLE: Readonly<Record<string, { readonly rooms: readonly string[]; readonly packages: readonly string[] }>> = {
  json: { rooms: [], packages: ["node:buffer"] },
  model: { rooms: [], packages: ["node:crypto"] },
  program: { rooms: ["json", "model"], packages: [] },
  lang: { rooms: ["json", "model", "program"], packages: [] },
  config: { rooms: ["model", "json", "program", "lang", "sink"], packages: ["zod", "smol-toml", "toml-eslint-parser"] },
  normalize: { rooms: ["model", "json", "program"], packages: ["node:zlib", "node:buffer"] },
  book: { rooms: ["model"], packages: ["node:zlib"] },
  derive: { rooms: ["model", "normalize", "book"], packages: [] },
  host: { rooms: ["model"], packages: ["ws", "@types/ws", "node:"] },
  rest: { rooms: ["model", "host", "normalize"], packages: [] },
  session: { rooms: ["model", "json", "program", "host", "rest"], packages: [] },
  sink: { rooms: ["model", "host"], packages: ["zod", "hyparquet-writer", "node:zlib", "node:buffer"] },
  simulator: { rooms: ["model", "host"], packages: ["node:zlib"] },
  journal: { rooms: ["model", "host"], packages: ["node:zlib", "node:buffer"] },
  telemetry: { rooms: ["model", "host"], packages: ["prom-client", "@logtape/logtape", "hono"] },
  runtime: {
    rooms: ["model", "host", "rest", "session", "derive", "journal", "sink"],
    packages: [],
  },
  text: { rooms: [], packages: [] },
  explain: { rooms: ["model", "json", "program", "normalize", "text"], packages: [] },
  service: {
    rooms: ["model", "config", "host", "rest", "telemetry", "runtime"],
    packages: [],
  },
  evidence: { rooms: ["model", "json", "config", "normalize", "service", "text"], packages: [] },
  cli: {
    rooms: [
      "model",
      "config",
      "host",
      "rest",
      "normalize",
      "derive",
      "journal",
      "sink",
      "telemetry",
      "runtime",
      "simulator",
      "service",
      "evidence",
      "explain",
      "text",
    ],
    packages: ["commander", "cli-progress"],
  },
};

/** Folders that are pure: nothing in them waits, and nothing in them reads a clock. */
const PURE = ["json", "model", "program", "lang", "config", "normalize", "book", "derive", "explain", "text"];
const ROOT = resolve(import.meta.dirname ?? ".", "..");
const SRC = resolve(ROOT, "src");
const IMPORT =
  /^\s*(?:import|export)\b[^"']*?\bfrom\s*["']([^"']+)["']|\bimport\(\s*["']([^"']+)["']\s*\)|^\s*import\s*["']([^"']+)["']/gm;

function* sourceFiles(dir: string): Iterable<string> {
  for (const entry of Deno.readDirSync(dir)) {
    const path = `${dir}/${entry.name}`;
    if (entry.isDirectory) yield* sourceFiles(path);
    else if (path.endsWith(".ts")) yield path;
  }
}

function roomOf(path: string): string {
  return relative(SRC, path).split("/")[0];
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|[^:"'`])\/\/.*$/gm, "$1");
}

function importsOf(text: string): readonly string[] {
  return [...text.matchAll(IMPORT)].map((match) => match[1] ?? match[2] ?? match[3]);
}

function complaintsAbout(path: string): readonly string[] {
  const text = Deno.readTextFileSync(path);
  const room = roomOf(path);
  const allowed = TABLE[room];
  const name = relative(ROOT, path);
  if (allowed === undefined) return [`${name}: src/${room} has no row in the import table`];
  const complaints: string[] = [];
  for (const target of importsOf(text)) {
    if (!target.startsWith(".")) {
      const fits = allowed.packages.some((p) =>
        target === p || target.startsWith(`${p}/`) || (p === "node:" && target.startsWith(p))
      );
      if (!fits) complaints.push(`${name}: imports the package ${target}`);
      continue;
    }
    const found = resolve(dirname(path), target);
    if (found === resolve(ROOT, "deno.json") && room === "cli") continue;
    const other = roomOf(found);
    if (other === room) continue;
    if (!allowed.rooms.includes(other)) complaints.push(`${name}: src/${room} imports src/${other}`);
    else if (relative(SRC, found) !== `${other}/mod.ts`) {
      complaints.push(`${name}: passes by the door of ${other}: ${target}`);
    }
  }
  const code = withoutComments(text);
  if (PURE.includes(room) && /\b(?:async|await|Promise|Date\.now|performance|setTimeout)\b/.test(code)) {
    complaints.push(`${name}: src/${room} is pure, but it waits or reads a clock`);
  }
  if (
    room !== "host" &&
    /\bDeno\.|\bsetTimeout\(|\bsetInterval\(|\bDate\.now\(|\bperformance\.|\bMath\.random\(|\bfetch\(["'`h]/.test(code)
  ) {
    complaints.push(`${name}: names the outside world, which belongs to src/host`);
  }
  return complaints;
}

Deno.test("src keeps the import table", () => {
  assert.deepEqual([...sourceFiles(SRC)].flatMap(complaintsAbout), []);
});

Deno.test("main.ts imports the command line and the host alone", () => {
  const targets = importsOf(Deno.readTextFileSync(`${ROOT}/main.ts`));
  assert.deepEqual([...targets].sort(), ["./src/cli/mod.ts", "./src/host/mod.ts"]);
});

Deno.test("src names no exchange outside of the simulator's dialects", () => {
  const names = [...Deno.readDirSync(`${ROOT}/config/exchanges`)].filter(({ isFile }) => isFile)
    .map(({ name }) => name.replace(/\.toml$/, ""));
  const pattern = new RegExp(`\\b(?:${names.join("|")}|huobi|htx|bitmex|deribit|bitfinex|kucoin)\\b`, "i");
  const found: string[] = [];
  for (const path of sourceFiles(SRC)) {
    if (roomOf(path) === "simulator") continue;
    // A comment may give an exchange as an example; a descriptor table may quote one.
    const code = withoutComments(Deno.readTextFileSync(path)).replace(/\.describe\([\s\S]*?\)/g, "");
    const match = pattern.exec(code);
    if (match !== null) found.push(`${relative(ROOT, path)}: ${match[0]}`);
  }
  assert.deepEqual(found, []);
});
