import assert from "node:assert/strict";
import { nextPagePath } from "../../src/normalize/mod.ts";
import { rows, source } from "../support/frame_plan.ts";

Deno.test("nextPagePath() asks for the page that an answer names, until it names none", () => {
  const list = (path: string, at: string | null) => ({
    name: "instruments",
    fields: {},
    values: {},
    method: "GET" as const,
    path,
    body: null,
    rows: rows("/list/*"),
    where: null,
    native: source("/s"),
    canonical: source("/c"),
    next: at === null ? null : { at: source(at), parameter: "cursor" },
  });
  const page = (path: string, body: string, at: string | null = "/next") =>
    nextPagePath(list(path, at), new TextEncoder().encode(body));
  assert.equal(page("/list?a=1", '{"next":"x&y=2"}'), "/list?a=1&cursor=x%26y%3D2");
  assert.equal(page("/list", '{"next":7}'), "/list?cursor=7");
  assert.equal(page("/list", '{"next":""}'), null);
  assert.equal(page("/list", '{"next":null}'), null);
  assert.equal(page("/list", "<html>"), null);
  assert.equal(page("/list", '{"next":"x"}', null), null);
});
