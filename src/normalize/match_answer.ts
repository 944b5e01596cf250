import { JsonDocument } from "../json/mod.ts";
import type { RestRequestPlan } from "../model/mod.ts";
import { compileExpression } from "../program/mod.ts";
import { ReadContext } from "./context.ts";
import { expressionText } from "./field.ts";
import { FrameMemory } from "./frame_memory.ts";

const ENCODER = new TextEncoder();

/**
 * Returns the native symbol that a URL of a recording requests; empty if the request covers many. Null if the URL is
 * not one of this request.
 */
export function matchAnswer(match: RestRequestPlan["match"], url: string): string | null {
  if (!URL.canParse(url)) return null;
  const { pathname, search, searchParams } = new URL(url);
  const at = (pathname + search).indexOf(match.pathPrefix);
  if (at < 0 || match.pathSuffix !== undefined && !pathname.endsWith(match.pathSuffix)) return null;
  if (match.native !== undefined) {
    const document = new JsonDocument();
    const path = pathname.split("/").filter((part) => part !== "").map(decodePart);
    if (!document.parse(ENCODER.encode(JSON.stringify({ path, query: Object.fromEntries(searchParams) })))) return null;
    return expressionText(new ReadContext(document, new FrameMemory()), compileExpression(match.native));
  }
  if (match.symbolParameter !== null) return searchParams.get(match.symbolParameter);
  return decodePart((pathname + search).slice(at + match.pathPrefix.length).split(/[/?]/)[0]);
}

/** Decodes a part of a path; returns it unchanged if it is not validly escaped, as a recorder may have written it. */
function decodePart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    if (error instanceof URIError) return part;
    throw error;
  }
}
