import type { JsonDocument, NodeId } from "../json/mod.ts";

/** Tests whether a node is a scalar with certain texts. */
export type ScalarMatch = (document: JsonDocument, node: NodeId) => boolean;

/** Most texts that are compared one by one; more are looked up. */
const FEW = 4;

/** Returns a match of scalars with fixed texts. Compares bytes, so no text is created unless the scalar has escapes. */
export function matchTexts(texts: ReadonlySet<string>): ScalarMatch {
  const all = [...texts];
  if (all.length > FEW || !all.every((text) => text.isWellFormed())) {
    return (document, node) => {
      const text = document.text(node);
      return text !== null && texts.has(text);
    };
  }
  const encoder = new TextEncoder();
  const encoded = all.map((text) => encoder.encode(text));
  if (encoded.length === 1) {
    const [only] = encoded;
    return (document, node) =>
      document.equals(node, only) || (document.isEscaped(node) && isAmong(document, node, texts));
  }
  return (document, node) => {
    for (const bytes of encoded) if (document.equals(node, bytes)) return true;
    return document.isEscaped(node) && isAmong(document, node, texts);
  };
}

/**
 * Returns a match of scalars that begin with one of the prefixes, by bytes; null if a prefix is not well-formed text.
 */
export function matchPrefixes(prefixes: readonly string[]): ScalarMatch | null {
  if (!prefixes.every((prefix) => prefix.isWellFormed())) return null;
  const encoder = new TextEncoder();
  const encoded = prefixes.map((prefix) => encoder.encode(prefix));
  return (document, node) => {
    if (document.isEscaped(node)) {
      const text = document.text(node) ?? "";
      return prefixes.some((prefix) => text.startsWith(prefix));
    }
    for (const bytes of encoded) if (document.startsWith(node, bytes)) return true;
    return false;
  };
}

function isAmong(document: JsonDocument, node: NodeId, texts: ReadonlySet<string>): boolean {
  const text = document.text(node);
  return text !== null && texts.has(text);
}
