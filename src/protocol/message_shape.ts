import type { Template } from "../model/mod.ts";
import { isList, isObject, type Json, parseJson } from "./words.ts";

/** Stands where a message differs from sending to sending: a request's id, a time. */
const ANY = "\u0001";
/** Stands where a shape leaves the topic open. */
const TOPIC = "\u0002";

/** A message that a client sends, as a shape that other spellings of it fit too. */
export interface MessageShape {
  /** As JSON; a text where the message is none. */
  readonly body: Json;
}

/** Makes the shape of a message: whatever is filled in when it is sent may be anything. */
export function shapeOf(template: Template): MessageShape {
  let text = "";
  let plain = "";
  for (const part of template.parts) {
    text += typeof part === "string" ? part : part.inString ? "\\u0001" : '"\\u0001"';
    plain += typeof part === "string" ? part : ANY;
  }
  return { body: parseJson(text) ?? plain };
}

/** A shape whose topic is left open, and the topic. */
export interface TopicShape extends MessageShape {
  readonly topic: string;
  /** Where it stands; null stands for each element of a list. */
  readonly path: readonly (string | null)[];
}

/**
 * Leaves open the topic of a message: the text that holds a symbol and more. Null where the message has none: where the
 * symbol stands alone, or where there is no symbol.
 */
export function openTopic({ body }: MessageShape, symbol: string): TopicShape | null {
  const wanted = symbol.toLowerCase();
  const isTopic = (text: string) => text.length > wanted.length && text.toLowerCase().includes(wanted);
  if (wanted === "") return null;
  const path = findText(body, isTopic);
  if (path === null) return null;
  const topic = textsAt(body, path.map((key) => key)).find(isTopic);
  if (topic === undefined || topic.includes(ANY)) return null;
  return { body: replaceText(body, topic), topic, path };
}

/**
 * Whether a client's message says all that a shape says. Lists may hold more, texts may be lists with commas, and
 * numbers of options may be others, unless `exact`.
 */
export function fits(shape: Json, message: Json | undefined, exact = false): boolean {
  if (typeof shape === "string") {
    if (shape.includes(ANY)) return true;
    if (shape === TOPIC) return typeof message === "string" || (isList(message) && message.length > 0);
    if (isList(message)) return message.some((one) => one === shape);
    return typeof message === "string" && (message === shape || splitTexts(message).includes(shape));
  }
  if (typeof shape === "number") return exact ? message === shape : message === undefined || isScalar(message);
  if (typeof shape === "boolean") return message === shape || (message === undefined && !exact);
  if (shape === null) return true;
  if (isList(shape)) {
    if (!isList(message)) return shape.length === 1 && fits(shape[0], message, exact);
    return shape.every((one) => message.some((other) => fits(one, other, exact)));
  }
  if (!isObject(message)) return false;
  return Object.entries(shape).every(([key, inner]) => fits(inner, message[key], exact));
}

/** The texts that a message has where a shape's topic stands. */
export function topicsIn(message: Json, path: readonly (string | null)[]): readonly string[] {
  return textsAt(message, path).flatMap((text) => [text, ...splitTexts(text), ...withPrefix(text)]);
}

/** The topics of a text that says their beginning once: `/market/ticker:BTC-USDT,ETH-USDT`. */
function withPrefix(text: string): readonly string[] {
  const [head, ...others] = splitTexts(text);
  const prefix = /^.*[:@/.]/.exec(head ?? "")?.[0] ?? "";
  return prefix === "" ? [] : others.map((other) => prefix + other);
}

/** What a client's message has in the first place that a shape leaves open: the id of its request. Undefined: nothing. */
export function openValue(shape: Json, message: Json | undefined): Json | undefined {
  if (typeof shape === "string") return shape.includes(ANY) ? message : undefined;
  if (isList(shape)) {
    return isList(message) ? first(shape.map((one, index) => openValue(one, message[index]))) : undefined;
  }
  if (!isObject(shape) || !isObject(message)) return undefined;
  return first(Object.entries(shape).map(([key, inner]) => openValue(inner, message[key])));
}

function first(values: readonly (Json | undefined)[]): Json | undefined {
  return values.find((value) => value !== undefined);
}

function isScalar(value: Json): boolean {
  return typeof value !== "object" || value === null;
}

function splitTexts(text: string): readonly string[] {
  return /[,\s]/.test(text) ? text.split(/[,\s]+/).filter((part) => part !== "") : [];
}

function findText(value: Json, isWanted: (text: string) => boolean): readonly (string | null)[] | null {
  if (typeof value === "string") return isWanted(value) ? [] : null;
  if (typeof value !== "object" || value === null) return null;
  for (const [key, inner] of Object.entries(value)) {
    const path = findText(inner, isWanted);
    if (path !== null) return [isList(value) ? null : key, ...path];
  }
  return null;
}

function textsAt(value: Json | undefined, path: readonly (string | null)[]): readonly string[] {
  if (value === undefined) return [];
  const [key, ...rest] = path;
  if (key === undefined) {
    if (isList(value)) return value.flatMap((one) => typeof one === "string" ? [one] : []);
    return typeof value === "string" ? [value] : [];
  }
  if (key === null) return isList(value) ? value.flatMap((one) => textsAt(one, rest)) : textsAt(value, rest);
  return isObject(value) ? textsAt(value[key], rest) : [];
}

function replaceText(value: Json, topic: string): Json {
  if (value === topic) return TOPIC;
  if (isList(value)) return value.map((one) => replaceText(one, topic));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, replaceText(inner, topic)]));
}
