import assert from "node:assert/strict";
import { CellTexts } from "../../src/sink/cell_texts.ts";

Deno.test("CellTexts spells a value once while its column repeats it, and apart from the same value of another type", () => {
  const spelled: unknown[] = [];
  const texts = new CellTexts(["a", "b"], (column, cell) => {
    spelled.push([column, cell]);
    return `${column}=${typeof cell} ${cell}`;
  });
  const rows = [["x", 1], ["x", 2], ["x", "2"], [null, null], ["x", null]] as const;
  assert.deepEqual(rows.map((row) => row.map((cell, place) => texts.at(place, cell)).join()), [
    "a=string x,b=number 1",
    "a=string x,b=number 2",
    "a=string x,b=string 2",
    "a=object null,b=object null",
    "a=string x,b=object null",
  ]);
  assert.deepEqual(spelled, [["a", "x"], ["b", 1], ["b", 2], ["b", "2"], ["a", null], ["b", null], ["a", "x"]]);
});
