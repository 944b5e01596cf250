import assert from "node:assert/strict";
import { METRICS } from "../../src/telemetry/metric_table.ts";
import { runCli } from "../support/captured_cli.ts";

const DIR = new URL("../../docs/deploy/compose", import.meta.url).pathname;

interface Panel {
  readonly title: string;
  readonly targets: readonly { readonly expr: string }[];
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
}

function readDashboard(): readonly Panel[] {
  return JSON.parse(Deno.readTextFileSync(`${DIR}/dashboard.json`)).panels;
}

Deno.test("the dashboard names metrics and labels that exist", () => {
  const panels = readDashboard();
  assert.ok(panels.length > 10);
  for (const { title, targets } of panels) {
    for (const { expr } of targets) {
      const names = expr.match(/collector_\w+/g) ?? [];
      assert.ok(names.length > 0, title);
      for (const name of names) assert.ok(Object.hasOwn(METRICS, name), `${title}: there is no metric ${name}`);
      const known: readonly string[] = names.flatMap((name) => METRICS[name as keyof typeof METRICS].labels);
      for (const [, labels] of expr.matchAll(/by \(([^)]*)\)/g)) {
        for (const label of labels.split(",")) assert.ok(known.includes(label.trim()), `${title}: no label ${label}`);
      }
    }
  }
});

Deno.test("the panels of the dashboard do not lie over each other", () => {
  const taken = new Set<string>();
  for (const { title, gridPos: { x, y, w, h } } of readDashboard()) {
    assert.ok(x + w <= 24, title);
    for (let column = x; column < x + w; column++) {
      for (let row = y; row < y + h; row++) {
        assert.ok(!taken.has(`${column}.${row}`), title);
        taken.add(`${column}.${row}`);
      }
    }
  }
});

Deno.test("the collector's configuration of the compose file is valid", async () => {
  const { code, out, err } = await runCli(["validate", "--config", `${DIR}/collector.toml`], {
    variables: {
      NATS_URL: "nats://collector:secret@nats:4222",
      CLICKHOUSE_URL: "http://collector:secret@clickhouse:8123",
    },
  });
  assert.equal(code, 0, `${out}\n${err}`);
});

interface Service {
  readonly image?: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
}

/** Reads YAML with Python's reader; null where there is none. */
function readYaml(path: string): Readonly<Record<string, unknown>> | null {
  const script = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
  try {
    const { success, stdout } = new Deno.Command("python3", { args: ["-c", script, path] }).outputSync();
    return success ? JSON.parse(new TextDecoder().decode(stdout)) : null;
  } catch {
    return null;
  }
}

const COMPOSE = readYaml(`${DIR}/compose.yaml`) as
  | { readonly services: Readonly<Record<string, Service>>; readonly volumes: Readonly<Record<string, unknown>> }
  | null;

Deno.test({
  name: COMPOSE === null ? "the compose file (ignored: no Python with a YAML reader)" : "the compose file",
  ignore: COMPOSE === null,
  fn: () => {
    if (COMPOSE === null) return;
    const { services, volumes } = COMPOSE;
    assert.deepEqual(Object.keys(services).sort(), ["clickhouse", "collector", "grafana", "nats", "prometheus"]);
    for (const [name, { image, build, volumes: mounts = [], ports = [] }] of Object.entries(services)) {
      assert.ok(image === undefined ? build !== undefined : /:[\w.]+$/.test(image), `${name} has a version`);
      if (build !== undefined) assert.ok(Deno.statSync(`${DIR}/${build.context}/${build.dockerfile}`).isFile);
      for (const mount of mounts) {
        const [from] = mount.split(":");
        if (from.startsWith("./")) assert.ok(Deno.statSync(`${DIR}/${from}`).isFile, mount);
        else assert.ok(Object.hasOwn(volumes, from), mount);
      }
      for (const port of ports) assert.ok(port.startsWith("127.0.0.1:"), `${name} is open to this machine alone`);
    }
    for (const name of ["prometheus.yml", "grafana-datasource.yml", "grafana-dashboards.yml"]) {
      assert.notEqual(readYaml(`${DIR}/${name}`), null, name);
    }
    const [job] = readYaml(`${DIR}/prometheus.yml`)?.scrape_configs as { static_configs: { targets: string[] }[] }[];
    assert.deepEqual(job.static_configs[0].targets, ["collector:8090"]);
  },
});
