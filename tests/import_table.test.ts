import assert from "node:assert/strict";
import { dirname, relative, resolve } from "node:path";
import { circlesOf, unusedOf } from "./support/import_graph.ts";

/** What each folder of src may import: other folders, and packages. docs/ARCHITECTURE.md gives the reasons. */
const TABLE: Readonly<Record<string, { readonly rooms: readonly string[]; readonly packages: readonly string[] }>> = {
  json: { rooms: [], packages: ["node:buffer"] },
  model: { rooms: [], packages: ["node:crypto"] },
  program: { rooms: ["json", "model"], packages: [] },
  lang: { rooms: ["json", "model", "program"], packages: [] },
  config: { rooms: ["model", "json", "program", "lang", "sink"], packages: ["zod", "smol-toml", "toml-eslint-parser"] },
  normalize: { rooms: ["model", "json", "program"], packages: ["node:zlib", "node:buffer"] },
  book: { rooms: ["model"], packages: [] },
  liveness: { rooms: ["model"], packages: [] },
  derive: { rooms: ["model", "normalize", "book"], packages: ["node:crypto"] },
  host: { rooms: ["model"], packages: ["ws", "node:"] },
  rest: { rooms: ["model", "host", "normalize"], packages: [] },
  session: { rooms: ["model", "json", "program", "host", "rest", "liveness"], packages: [] },
  sink: {
    rooms: ["model", "host"],
    packages: [
      "zod",
      "hyparquet-writer",
      "node:zlib",
      "node:crypto",
      "pg",
      "aws4fetch",
      "@nats-io/transport-node",
      "@redis/client",
      "@platformatic/kafka",
      "node:buffer",
    ],
  },
  lake: { rooms: ["model", "host", "sink", "book"], packages: ["hyparquet", "node:zlib", "node:crypto"] },
  group: { rooms: ["model", "host", "sink"], packages: ["@nats-io/transport-node"] },
  rebuild: { rooms: ["model", "host", "derive", "journal", "sink", "lake"], packages: [] },
  certificate: { rooms: ["model", "host", "sink", "journal", "lake"], packages: [] },
  simulator: { rooms: ["model", "host"], packages: ["node:zlib"] },
  simulated_host: { rooms: ["model", "host"], packages: ["node:zlib", "node:timers"] },
  journal: { rooms: ["model", "host"], packages: ["node:zlib", "node:crypto", "node:buffer"] },
  telemetry: { rooms: ["model"], packages: ["prom-client", "@logtape/logtape", "hono"] },
  protocol: { rooms: ["model", "normalize"], packages: [] },
  emulator: { rooms: ["model", "host", "protocol", "simulator"], packages: [] },
  api: { rooms: ["model", "host", "telemetry", "sink", "book", "protocol"], packages: ["hono", "node:crypto"] },
  runtime: {
    rooms: ["model", "host", "rest", "session", "derive", "journal", "sink", "lake", "certificate", "liveness"],
    packages: [],
  },
  text: { rooms: [], packages: [] },
  learn: { rooms: [], packages: [] },
  recorder: { rooms: ["model", "host", "simulator"], packages: [] },
  explain: { rooms: ["model", "json", "program", "normalize", "text"], packages: [] },
  service: {
    rooms: ["model", "config", "group", "host", "rest", "telemetry", "api", "runtime"],
    packages: [],
  },
  evidence: { rooms: ["model", "json", "config", "normalize", "journal", "service", "text"], packages: [] },
  cli: {
    rooms: [
      "model",
      "config",
      "host",
      "normalize",
      "derive",
      "journal",
      "group",
      "sink",
      "lake",
      "certificate",
      "rebuild",
      "telemetry",
      "simulator",
      "service",
      "emulator",
      "recorder",
      "learn",
      "evidence",
      "explain",
      "text",
    ],
    packages: ["commander", "cli-progress"],
  },
};

/** Folders that are pure: nothing in them waits, and nothing in them reads a clock. */
const PURE = [
  "json",
  "model",
  "program",
  "lang",
  "config",
  "normalize",
  "book",
  "liveness",
  "derive",
  "protocol",
  "learn",
  "explain",
  "text",
];
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

Deno.test("no row of the import table is wider than use", () => {
  const complaints: string[] = [];
  for (const [room, { rooms, packages }] of Object.entries(TABLE)) {
    const files = [...sourceFiles(`${SRC}/${room}`)];
    const targets = files.flatMap((path) => importsOf(Deno.readTextFileSync(path)).map((target) => ({ path, target })));
    const used = targets.flatMap(({ path, target }) =>
      target.startsWith(".") ? [roomOf(resolve(dirname(path), target))] : []
    );
    const named = targets.flatMap(({ target }) => target.startsWith(".") ? [] : [target]);
    for (const other of unusedOf(rooms, used)) complaints.push(`src/${room} may import src/${other} and does not`);
    for (const name of unusedOf(packages, named)) complaints.push(`src/${room} may import ${name} and does not`);
  }
  assert.deepEqual(complaints, []);
});

Deno.test("docs/ARCHITECTURE.md shows the rooms of the import table as they are", () => {
  const text = Deno.readTextFileSync(`${ROOT}/docs/ARCHITECTURE.md`);
  const rows = [...text.matchAll(/^\| `(\w+)` +\| [^|]+ \| ([^|]+?) +\| [^|]+ \| +(yes)? +\|$/gm)];
  const shown = rows.map(([, room, rooms, pure]) => {
    const listed = rooms.replace(/^everything but /, "").split(", ").filter((name) => name !== "—");
    const all = Object.keys(TABLE).filter((name) => name !== room);
    const names = rooms.startsWith("everything but ") ? all.filter((name) => !listed.includes(name)) : listed;
    return [room, { rooms: names.sort(), pure: pure === "yes" }];
  });
  const table = Object.entries(TABLE).map(([room, { rooms }]) => [
    room,
    { rooms: [...rooms].sort(), pure: PURE.includes(room) },
  ]);
  assert.deepEqual(Object.fromEntries(shown), Object.fromEntries(table));
});

Deno.test("no files of src import each other in a circle", () => {
  const graph = new Map([...sourceFiles(SRC)].map((path) => {
    const targets = importsOf(Deno.readTextFileSync(path)).filter((target) => target.startsWith("."));
    return [relative(SRC, path), targets.map((target) => relative(SRC, resolve(dirname(path), target)))] as const;
  }));
  assert.deepEqual(circlesOf(graph).map((files) => files.join(", ")), []);
});

Deno.test("circlesOf() finds every circle, however long, and nothing else", () => {
  const graphOf = (text: string) =>
    new Map(text.split("; ").map((line) => [line.split(" ")[0], line.split(" ").slice(1)] as const));
  assert.deepEqual(circlesOf(graphOf("a b c; b c; c; d a")), []);
  assert.deepEqual(circlesOf(graphOf("a b; b a c; c d; d")), [["a", "b"]]);
  assert.deepEqual(circlesOf(graphOf("a b; b c; c d; d a; e e; f a")), [["a", "b", "c", "d"], ["e"]]);
  assert.deepEqual(circlesOf(graphOf("a b d; b c; c b; d e; e f; f d")), [["b", "c"], ["d", "e", "f"]]);
});

Deno.test("unusedOf() names what is allowed and not used, by the whole name or a prefix that ends in a colon", () => {
  assert.deepEqual(unusedOf(["model", "json"], ["json", "jsonc"]), ["model"]);
  assert.deepEqual(unusedOf(["node:", "ws", "zod"], ["node:http", "ws/lib"]), ["zod"]);
});

Deno.test("main.ts imports the command line and the host alone", () => {
  const targets = importsOf(Deno.readTextFileSync(`${ROOT}/main.ts`));
  assert.deepEqual([...targets].sort(), ["./src/cli/mod.ts", "./src/host/mod.ts"]);
});

/** Names of exchanges that are words of the field too. */
const FIELD_WORDS: ReadonlySet<string> = new Set(["delta"]);

Deno.test("src names no exchange outside of the simulator's dialects", () => {
  const names = [...Deno.readDirSync(`${ROOT}/config/exchanges`)].filter(({ isFile }) => isFile)
    .map(({ name }) => name.replace(/\.toml$/, "")).filter((name) => !FIELD_WORDS.has(name));
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

Deno.test("docs/ARCHITECTURE.md puts each room on a floor above all that it may import", () => {
  const text = Deno.readTextFileSync(`${ROOT}/docs/ARCHITECTURE.md`);
  const floors = new Map(
    [...text.matchAll(/^\| (\d+) +\| (`.*`) +\|$/gm)].flatMap(([, floor, rooms]) =>
      rooms.split(", ").map((room) => [room.replaceAll("`", ""), Number(floor)] as const)
    ),
  );
  assert.deepEqual([...floors.keys()].sort(), Object.keys(TABLE).sort());
  const wrong = Object.entries(TABLE).flatMap(([room, { rooms }]) =>
    rooms.filter((other) => Number(floors.get(other)) >= Number(floors.get(room))).map((other) => `${room} on ${other}`)
  );
  assert.deepEqual(wrong, []);
});
