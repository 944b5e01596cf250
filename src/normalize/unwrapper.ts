import { Buffer } from "node:buffer";
import { gunzipSync, inflateRawSync } from "node:zlib";
import { JsonDocument } from "../json/mod.ts";
import { type BlobEncoding, FRAME_BYTES_MAX } from "../model/mod.ts";
import type { CompiledUnwrap } from "../program/mod.ts";
import { ReadContext } from "./context.ts";
import { FrameMemory } from "./frame_memory.ts";
import { expressionText } from "./field.ts";

/** Parses documents embedded in frames as text. */
export class Unwrapper {
  readonly #rule: CompiledUnwrap;
  readonly #where: string;
  /** Reused for every frame. */
  readonly #inside = new ReadContext(new JsonDocument(), new FrameMemory());

  /** `owner` names the rule in faults. */
  constructor(rule: CompiledUnwrap, owner: string) {
    this.#rule = rule;
    this.#where = `${owner}.unwrap ${rule.at.source}`;
  }

  /** Returns the context of the embedded document; null, with a fault of the frame, if it cannot be read. */
  open(frame: ReadContext): ReadContext | null {
    frame.atRoot();
    const text = expressionText(frame, this.#rule.at);
    if (text === null) {
      frame.fail("missing_field", this.#where);
      return null;
    }
    const bytes = decodeBlob(text, this.#rule.encoding);
    if (bytes === null || !this.#inside.document.parse(bytes)) {
      frame.fail(bytes === null ? "undecodable" : "not_json", this.#where);
      return null;
    }
    this.#inside.beginInside(frame, bytes);
    return this.#inside;
  }

  /** Passes what was found inside on to the frame's context. */
  close(frame: ReadContext): void {
    for (const { code, where } of this.#inside.faults) frame.note(code, where);
    frame.rowsFound ||= this.#inside.rowsFound;
    frame.freshSymbols.push(...this.#inside.freshSymbols);
    frame.noted.push(...this.#inside.noted);
    frame.checksums.push(...this.#inside.checksums);
    frame.lostUpdates.push(...this.#inside.lostUpdates);
  }
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;

/** Decodes an embedded document; null if it is damaged or exceeds FRAME_BYTES_MAX. */
function decodeBlob(text: string, encoding: BlobEncoding): Uint8Array | null {
  if (encoding === "json") return new TextEncoder().encode(text);
  if (!BASE64.test(text)) return null;
  const inflate = encoding === "base64_gzip" ? gunzipSync : inflateRawSync;
  try {
    return inflate(Buffer.from(text, "base64"), { maxOutputLength: FRAME_BYTES_MAX });
  } catch {
    // zlib throws on damage and on too much output alike; either way there is no text.
    return null;
  }
}
