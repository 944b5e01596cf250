/** What an emulator has done so far. */
export interface EmulatorCounts {
  readonly connections: number;
  readonly subscriptions: number;
  readonly unsubscriptions: number;
  /** Acknowledgements, pongs, rejections and welcomes. */
  readonly answers: number;
  /** Messages of clients that the descriptor does not know. */
  readonly unknownMessages: number;
  /** Recorded frames sent. */
  readonly frames: number;
  readonly droppedFrames: number;
  readonly duplicatedFrames: number;
  readonly garbageFrames: number;
  readonly forcedDisconnects: number;
  readonly silencedConnections: number;
  readonly httpAnswers: number;
  /** Requests whose answer was not recorded. */
  readonly httpMissing: number;
}

/** The counts, writable. */
export type CountBoard = { -readonly [Name in keyof EmulatorCounts]: EmulatorCounts[Name] };

/** Returns all counts at zero. */
export function noCounts(): CountBoard {
  return {
    connections: 0,
    subscriptions: 0,
    unsubscriptions: 0,
    answers: 0,
    unknownMessages: 0,
    frames: 0,
    droppedFrames: 0,
    duplicatedFrames: 0,
    garbageFrames: 0,
    forcedDisconnects: 0,
    silencedConnections: 0,
    httpAnswers: 0,
    httpMissing: 0,
  };
}
