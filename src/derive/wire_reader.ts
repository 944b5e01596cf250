import { FRAME_BYTES_MAX, type JournalRecord, type Offset, type SessionId, type WireRecord } from "../model/mod.ts";
import { decodePayload } from "../normalize/mod.ts";
import { deriveRecord } from "./derive_record.ts";
import type { Pipeline, WireSession } from "./pipeline.ts";

/** Reads records as received messages: every frame with the streams that it carries data of. */
export class WireReader {
  readonly #pipeline: Pipeline;
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #sessions = new Map<SessionId, WireSession>();

  /** The pipeline must not be shared with anyone. */
  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline;
  }

  /** Returns a record's frame or end of session; null for other records. */
  read(offset: Offset, record: JournalRecord): WireRecord | null {
    const { streams, signal } = deriveRecord(this.#pipeline, offset, record);
    if (record.kind === "opened") this.#sessions.delete(offset);
    if (record.kind === "closed") {
      const ended = this.#sessions.get(record.session);
      this.#sessions.delete(record.session);
      if (ended === undefined) return null;
      const { exchange, connectionId } = ended;
      return { kind: "end", end: { exchange, connectionId, session: record.session, at: record.at } };
    }
    if (record.kind !== "frame") return null;
    const session = this.#sessionOf(record.session);
    if (session === null) return null;
    const { exchange, connectionId, decode } = session;
    const { at, payload, binary } = record;
    const bytes = payload.length > FRAME_BYTES_MAX ? null : decodePayload(payload, decode, binary);
    const text = bytes === null ? null : this.#decoder.decode(bytes);
    const frame = { exchange, connectionId, session: record.session, at, payload, binary, text };
    return { kind: "frame", frame: { ...frame, streams: [...streams], signal } };
  }

  /** Returns the native spelling of a canonical symbol in an open session; the symbol itself if it is unknown. */
  nativeOf(session: SessionId, symbol: string): string {
    return this.#sessionOf(session)?.natives.get(symbol) ?? symbol;
  }

  #sessionOf(id: SessionId): WireSession | null {
    const known = this.#sessions.get(id) ?? this.#pipeline.wireSession(id);
    if (known !== null) this.#sessions.set(id, known);
    return known;
  }
}
