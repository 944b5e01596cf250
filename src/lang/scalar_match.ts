import type { JsonDocument, NodeId } from "../json/mod.ts";

/** Whether a node is a scalar with one of some texts. */
export type ScalarMatch = (document: JsonDocument, node: NodeId) => boolean;

/** Up to so many texts are compared one by one; more are looked up. */
const FEW = 4;

/** Compares scalars with fixed texts byte by byte, so that no text is made unless the scalar has escapes. */
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

function isAmong(document: JsonDocument, node: NodeId, texts: ReadonlySet<string>): boolean {
  const text = document.text(node);
  return text !== null && texts.has(text);
}
