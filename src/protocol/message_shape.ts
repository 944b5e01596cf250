import type { Template } from "../model/mod.ts";
import { isList, isObject, type Json, parseJson } from "./words.ts";

/** Marks a part of a message that differs each time: a request's id, a time. */
const ANY = "\u0001";
/** Marks the topic in a shape that leaves it open. */
const TOPIC = "\u0002";

/** The shape of a client's message, which other spellings of the message match too. */
export interface MessageShape {
  /** The message as JSON; a text if it is not JSON. */
  readonly body: Json;
}

/** Returns the shape of a message, in which values filled in on sending match anything. */
export function shapeOf(template: Template): MessageShape {
  let text = "";
  let plain = "";
  for (const part of template.parts) {
    text += typeof part === "string" ? part : part.inString ? "\\u0001" : '"\\u0001"';
    plain += typeof part === "string" ? part : ANY;
  }
  return { body: parseJson(text) ?? plain };
}

/** A shape with an open topic, and the topic. */
export interface TopicShape extends MessageShape {
  readonly topic: string;
  /** Path of the topic; null is any element of a list. */
  readonly path: readonly (string | null)[];
}

/**
 * Opens the topic of a message: the text that contains a symbol and more. Null if there is none: the symbol is a text
 * of its own, or there is no symbol.
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
 * Whether a client's message has everything that a shape has. Unless `exact`, lists may have more elements, texts may
 * be lists with commas, and numeric options may differ.
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

/** Returns the texts of a message at the position of a shape's topic. */
export function topicsIn(message: Json, path: readonly (string | null)[]): readonly string[] {
  return textsAt(message, path).flatMap((text) => [text, ...splitTexts(text), ...withPrefix(text)]);
}

/** Longest beginning that the topics of a text share, in characters. */
const PREFIX_CHARS_MAX = 200;

/** The topics of a text that says their beginning once: `/market/ticker:BTC-USDT,ETH-USDT`. */
function withPrefix(text: string): readonly string[] {
  const [head, ...others] = splitTexts(text);
  const prefix = /^.*[:@/.]/.exec(head ?? "")?.[0] ?? "";
  return prefix === "" || prefix.length > PREFIX_CHARS_MAX ? [] : others.map((other) => prefix + other);
}

/**
 * Returns the value of a client's message at the first open part of a shape, the id of its request; undefined if there
 * is none.
 */
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
