import type { Clock, Files } from "../host/mod.ts";
import { Failure, LAKE_LOOK_MS, LAKE_TOLD_MAX, type Observer } from "../model/mod.ts";
import { compactArchive } from "./compact.ts";
import type { Pause } from "./sorted_rows.ts";

/** An archive to maintain while a sink writes to it. */
export interface KeptArchive {
  /** Name of the sink that writes it. */
  readonly sink: string;
  readonly dir: string;
  /** Whether its files are merged. */
  readonly compacts: boolean;
  /** Further work after the merge, at every look. Absent if there is none. */
  readonly afterwards?: (work: { readonly pause: Pause; readonly tell: (text: string) => void }) => Promise<void>;
  /** Work before the collector ends. Absent if there is none. */
  readonly atEnd?: () => Promise<void>;
}

/** Rest after each piece of work, as a multiple of its time: merging takes at most a quarter of a core. */
const REST_FACTOR = 3;

/** Compacts archives from time to time while a collector runs, with a rest after every piece of work. */
export class ArchiveKeeper {
  readonly #host: { readonly files: Files; readonly clock: Clock };
  readonly #archives: readonly KeptArchive[];
  readonly #observe: Observer;
  readonly #stop = new AbortController();
  readonly #told = new Set<string>();
  #done: Promise<void> = Promise.resolve();

  constructor(
    host: { readonly files: Files; readonly clock: Clock },
    options: { readonly archives: readonly KeptArchive[]; readonly observe: Observer },
  ) {
    this.#host = host;
    this.#archives = options.archives;
    this.#observe = options.observe;
  }

  /** Starts the maintenance. */
  start(): void {
    if (this.#archives.length > 0) this.#done = this.#run();
  }

  /** Gives up the work under way. Nothing is lost, and the next start goes on. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#done;
    for (const { sink, atEnd } of this.#archives) {
      await atEnd?.().catch((error) => this.#tell(sink, error instanceof Error ? error.message : String(error)));
    }
  }

  async #run(): Promise<void> {
    while (await this.#rest(LAKE_LOOK_MS)) {
      for (const archive of this.#archives) await this.#look(archive);
    }
  }

  async #look({ sink, dir, compacts, afterwards }: KeptArchive): Promise<void> {
    let began = this.#host.clock.monotonicMs();
    const pause = async () => {
      const worked = this.#host.clock.monotonicMs() - began;
      if (!await this.#rest(Math.max(1, worked * REST_FACTOR))) throw new Failure("cancelled", "The collector stops");
      began = this.#host.clock.monotonicMs();
    };
    const tell = (text: string) => this.#tell(sink, text);
    try {
      if ((await this.#host.files.stat(dir))?.isDirectory !== true) return;
      if (compacts) await this.#compact({ sink, dir }, { pause, tell });
      await afterwards?.({ pause, tell });
    } catch (error) {
      if (error instanceof Failure && error.code === "cancelled") return;
      // No error stops the collecting; the next look tries again.
      this.#tell(sink, error instanceof Error ? error.message : String(error));
    }
  }

  async #compact(
    { sink, dir }: Pick<KeptArchive, "sink" | "dir">,
    work: { readonly pause: Pause; readonly tell: (text: string) => void },
  ): Promise<void> {
    const { groups, filesBefore, filesAfter } = await compactArchive({ host: this.#host, dir, ...work });
    if (groups === 0) return;
    this.#observe({ kind: "sink_notice", sink, text: `merged ${filesBefore} files of ${dir} into ${filesAfter}` });
  }

  #tell(sink: string, text: string): void {
    if (this.#told.has(text)) return;
    if (this.#told.size >= LAKE_TOLD_MAX) this.#told.clear();
    this.#told.add(text);
    this.#observe({ kind: "sink_notice", sink, text });
  }

  /** Rests. Resolves with whether to go on. */
  async #rest(ms: number): Promise<boolean> {
    await this.#host.clock.sleep(ms, this.#stop.signal);
    return !this.#stop.signal.aborted;
  }
}
