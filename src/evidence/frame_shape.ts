import { SHAPE_CHARS_MAX, SHAPE_DEPTH_MAX, SHAPE_MEMBERS_MAX } from "../model/mod.ts";

/**
 * Returns the shape of a frame: its keys and nesting with every value left out, so that frames of one kind have one
 * shape whatever their symbols, numbers and lengths. Neighbours of equal shape appear once. Text that is not JSON loses
 * its quoted parts and numbers.
 */
export function frameShape(text: string): string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return cut(text.slice(0, SHAPE_CHARS_MAX).replace(/"[^"]*"?/g, "…").replace(/\d+(?:\.\d+)?/g, "#"));
  }
  return cut(shapeOf(value, 0));
}

function shapeOf(value: unknown, depth: number): string {
  if (typeof value !== "object" || value === null) return "…";
  const isList = Array.isArray(value);
  if (depth >= SHAPE_DEPTH_MAX) return isList ? "[…]" : "{…}";
  const members = isList ? membersOfList(value, depth) : membersOfObject(value, depth);
  const shown = members.length > SHAPE_MEMBERS_MAX ? [...members.slice(0, SHAPE_MEMBERS_MAX), "…"] : members;
  return isList ? `[${shown.join(",")}]` : `{${shown.join(",")}}`;
}

function membersOfList(list: readonly unknown[], depth: number): readonly string[] {
  const shapes: string[] = [];
  for (const element of list.slice(0, SHAPE_MEMBERS_MAX)) {
    const shape = shapeOf(element, depth + 1);
    if (shape !== shapes.at(-1)) shapes.push(shape);
  }
  return shapes;
}

/** Keys that lead to objects or lists of one shape are names, as of symbols: they are left out too. */
function membersOfObject(object: object, depth: number): readonly string[] {
  const members: string[] = [];
  let last = "";
  for (const [key, value] of Object.entries(object).slice(0, SHAPE_MEMBERS_MAX + 1)) {
    const shape = shapeOf(value, depth + 1);
    if (shape !== "…" && shape === last) members[members.length - 1] = `…:${shape}`;
    else members.push(shape === "…" ? key : `${key}:${shape}`);
    last = shape;
  }
  return members;
}

function cut(text: string): string {
  return text.length > SHAPE_CHARS_MAX ? `${text.slice(0, SHAPE_CHARS_MAX - 1)}…` : text;
}
