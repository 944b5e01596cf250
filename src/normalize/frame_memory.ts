import { type AliasState, AliasTable } from "./aliases.ts";
import { FirstFrames } from "./first_frames.ts";
import { LevelIds, type LevelIdState } from "./level_ids.ts";
import { Merges, type MergeState } from "./merges.ts";
import { UnmappedSymbols } from "./symbols.ts";

/** A session's memory as plain JSON; empty parts are absent. */
export interface FrameMemoryState {
  readonly aliases?: AliasState;
  readonly merges?: MergeState;
  readonly levelIds?: LevelIdState;
  readonly firstFrames?: readonly string[];
  readonly unmapped?: readonly string[];
}

/** All that reading one session's frames remembers from one frame to the next. Begins with the session, ends with it. */
export class FrameMemory {
  readonly aliases = new AliasTable();
  readonly merges = new Merges();
  readonly levelIds = new LevelIds();
  readonly firstFrames = new FirstFrames();
  readonly unmapped = new UnmappedSymbols();

  saveState(): FrameMemoryState {
    const aliases = this.aliases.saveState();
    const merges = this.merges.saveState();
    const levelIds = this.levelIds.saveState();
    const firstFrames = this.firstFrames.saveState();
    const unmapped = this.unmapped.saveState();
    return {
      ...(aliases.length > 0 && { aliases }),
      ...(merges.length > 0 && { merges }),
      ...(levelIds.length > 0 && { levelIds }),
      ...(firstFrames.length > 0 && { firstFrames }),
      ...(unmapped.length > 0 && { unmapped }),
    };
  }

  /** Replaces what is remembered. */
  restoreState(state: FrameMemoryState): void {
    this.aliases.restoreState(state.aliases ?? []);
    this.merges.restoreState(state.merges ?? []);
    this.levelIds.restoreState(state.levelIds ?? []);
    this.firstFrames.restoreState(state.firstFrames ?? []);
    this.unmapped.restoreState(state.unmapped ?? []);
  }
}
