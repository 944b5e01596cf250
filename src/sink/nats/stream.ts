/** Keys of a NATS sink about its stream. */
export interface StreamKeys {
  readonly stream: string;
  readonly subject: string;
  readonly max_age_hours: number;
  readonly max_mb: number;
  readonly replicas: number;
}

/** How long JetStream remembers message ids, in ns; its default. */
const WINDOW_NS = 120_000_000_000;

/** Returns the configuration of the stream to make if it is missing, and the first part of its subjects. */
export function streamConfig({ stream, subject, max_age_hours, max_mb, replicas }: StreamKeys) {
  const [root] = subject.split(".");
  return {
    root,
    config: {
      name: stream,
      subjects: [`${root}.>`],
      retention: "limits",
      storage: "file",
      discard: "old",
      max_age: Math.round(max_age_hours * 3_600_000) * 1_000_000,
      max_bytes: max_mb === 0 ? -1 : max_mb * 1024 * 1024,
      num_replicas: replicas,
      duplicate_window: max_age_hours === 0 ? WINDOW_NS : Math.min(WINDOW_NS, max_age_hours * 3_600_000_000_000),
      allow_atomic: true,
    },
  };
}

/** Whether patterns of subjects cover every subject of a pattern. */
export function covers(patterns: readonly string[], subject: string): boolean {
  const wanted = subject.split(".");
  return patterns.some((pattern) => {
    const parts = pattern.split(".");
    for (const [at, part] of parts.entries()) {
      if (part === ">") return wanted.length > at;
      if (at >= wanted.length || wanted[at] === ">") return false;
      if (part !== "*" && part !== wanted[at]) return false;
    }
    return parts.length === wanted.length;
  });
}
