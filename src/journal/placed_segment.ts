import type { SegmentFiles } from "./own_segments.ts";
import { segmentName } from "./segment.ts";

/** The files of a segment and the folder they are in: an archive has one for each day. */
export interface PlacedSegment extends SegmentFiles {
  readonly folder: string;
}

/** Returns the path of the file that is read for a segment. */
export function segmentPath({ folder, firstOffset, plain }: PlacedSegment): string {
  return `${folder}/${segmentName({ firstOffset, sealed: !plain })}`;
}
