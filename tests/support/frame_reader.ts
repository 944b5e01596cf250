import type { FramePlan, SessionId } from "../../src/model/mod.ts";
import {
  type FrameInput,
  FrameMemory,
  type HttpInput,
  type NormalizedFrame,
  Normalizer,
} from "../../src/normalize/mod.ts";

/** A normalizer with the memories of the sessions whose frames it reads. */
export class FrameReader {
  readonly memories = new Map<SessionId | null, FrameMemory>();
  readonly #normalizer: Normalizer;

  constructor(plan: FramePlan) {
    this.#normalizer = new Normalizer(plan);
  }

  read({ session, ...frame }: FrameInput & { readonly session: SessionId }): NormalizedFrame {
    return this.#normalizer.read(frame, this.memory(session));
  }

  readHttp(
    { session, ...answer }: Omit<HttpInput, "hasSession"> & { readonly session: SessionId | null },
  ): NormalizedFrame {
    return this.#normalizer.readHttp({ ...answer, hasSession: session !== null }, this.memory(session));
  }

  /** The memory of a session, begun where it is new. */
  memory(session: SessionId | null): FrameMemory {
    let memory = this.memories.get(session);
    if (memory === undefined) this.memories.set(session, memory = new FrameMemory());
    return memory;
  }

  /** Ends a session. */
  forgetSession(session: SessionId): void {
    this.memories.delete(session);
  }

  saveState(): string {
    return JSON.stringify([...this.memories].map(([session, memory]) => [session, [...memory.parts()]]));
  }

  restoreState(text: string): void {
    for (const [session, parts] of JSON.parse(text)) {
      for (const [part, entries] of parts) this.memory(session).restore(part, entries);
    }
  }
}
