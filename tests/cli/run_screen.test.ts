import assert from "node:assert/strict";
import { RunScreen, runTable } from "../../src/cli/run_screen.ts";
import { denoHost } from "../../src/host/mod.ts";
import type { ServiceStatus } from "../../src/model/mod.ts";
import type { Service } from "../../src/service/mod.ts";
import { snapshot } from "../telemetry/builders.ts";
import { ManualClock } from "../support/manual_clock.ts";

const metrics = (count: number) => ({
  count: (name: string) => name === "collector_frames_received_total" ? count : 0,
});

Deno.test("runTable() shows rates between two moments, and none before", () => {
  const status: ServiceStatus = snapshot();
  const first = runTable(status, { metrics: metrics(100), before: new Map(), sinceMs: 1000 });
  const [name] = first.counted.keys();
  assert.match(first.text, new RegExp(`^${name} `, "m"));
  const second = runTable(status, { metrics: metrics(350), before: first.counted, sinceMs: 500 });
  assert.match(second.text, /\b500\b/, "250 frames in half a second");
});

Deno.test("runTable() shows each state of an instance's connections once, by its name", () => {
  const status: ServiceStatus = snapshot();
  const instances = status.instances.map((instance) => ({
    ...instance,
    enabled: true,
    connections: instance.connections.flatMap((one) => [one, { ...one, key: `${one.key}#2` }]),
  }));
  const { text } = runTable({ ...status, instances }, { metrics: metrics(1), before: new Map(), sinceMs: 1000 });
  const [{ state }] = instances.flatMap(({ connections }) => connections);
  assert.match(text, new RegExp(` ${state.kind} `));
  assert.doesNotMatch(text, new RegExp(`object|${state.kind}\\+${state.kind}`));
});

Deno.test("runTable() shows each state of an instance's connections once, by its name", () => {
  const status: ServiceStatus = snapshot();
  const instances = status.instances.map((instance) => ({
    ...instance,
    enabled: true,
    connections: instance.connections.flatMap((one) => [one, { ...one, key: `${one.key}#2` }]),
  }));
  const { text } = runTable({ ...status, instances }, { metrics: metrics(1), before: new Map(), sinceMs: 1000 });
  const [{ state }] = instances.flatMap(({ connections }) => connections);
  assert.match(text, new RegExp(` ${state.kind} `));
  assert.doesNotMatch(text, new RegExp(`object|${state.kind}\\+${state.kind}`));
});

Deno.test("RunScreen keeps to the width, draws over itself in one write and puts the log above", () => {
  const clock = new ManualClock();
  const written: string[] = [];
  const real = denoHost();
  const host = {
    ...real,
    clock,
    terminal: { ...real.terminal, columns: () => 40, printError: (text: string) => written.push(text) },
  };
  const service = { status: snapshot(), metrics: metrics(1) } as unknown as Service;
  const screen = new RunScreen(host, () => service);
  screen.print("before the table");
  assert.deepEqual(written.splice(0), ["before the table"]);
  screen.begin();
  clock.advance(1_000);
  const [drawn] = written.splice(0);
  const lines = drawn.split("\n");
  assert.ok(lines.every((line) => line.length <= 39), drawn);
  screen.print("a line of the log");
  const [again] = written.splice(0);
  assert.ok(again.startsWith(`\u001b[${lines.length}A\r\u001b[Ja line of the log\n`), JSON.stringify(again));
  screen.end();
  written.splice(0);
  screen.print("after the table");
  clock.advance(5_000);
  assert.deepEqual(written, ["after the table"]);
});
