import type { Files } from "../host/mod.ts";
import { Failure } from "../model/mod.ts";
import type { SinkContext } from "./sink_type.ts";

/** Name of the file that names the folder's owner. */
export const OWNER_NAME = "_owner.json";
/** Name of the file that is locked while a sink is open. */
export const SINK_LOCK_NAME = "_lock";

/** Content of the owner's mark. */
interface Owner {
  readonly journal: string;
  readonly sink: string;
  readonly type: string;
}

/**
 * The folder of a sink, which belongs to one sink of one journal: the file `_owner.json` says to which, and `_lock` is
 * held while it is open, so that no other process or sink writes there at the same time. A folder of another journal,
 * of another configured sink or of another type is refused, whatever is in it. A sink that was renamed takes its folder
 * over. A folder without a mark is adopted: nothing in it is known to be ours, and nothing of it is deleted.
 */
export class OwnedFolder {
  readonly dir: string;
  readonly #type: string;
  readonly #context: SinkContext;
  #lock: { release(): Promise<void> } | null = null;
  /** Inode of the mark, to detect a replaced folder; null if the file system has none. */
  #inode: number | null = null;

  constructor(dir: string, type: string, context: SinkContext) {
    this.dir = dir;
    this.#type = type;
    this.#context = context;
  }

  /**
   * Makes, locks and marks the folder. Resolves with whether its content was written for this journal and sink. Calls
   * `adopt` before a folder without a mark gets one. Rejects with a `Failure` without retry if the folder belongs to
   * another sink.
   */
  async take(adopt: () => Promise<void>): Promise<boolean> {
    const { files } = this.#context.host;
    await this.release();
    await makeFolder(files, this.dir, this.dir);
    this.#lock = await this.#lockIt();
    try {
      const owner = await this.#readOwner();
      if (owner !== null) this.#verify(owner);
      else await adopt();
      const { journal, name: sink } = this.#context;
      const mine = { format: 1, journal, sink, type: this.#type };
      if (owner?.sink !== sink) {
        await files.remove(`${this.dir}/${OWNER_NAME}.tmp`);
        await files.writeAtomic(`${this.dir}/${OWNER_NAME}`, new TextEncoder().encode(`${JSON.stringify(mine)}\n`));
        if (owner !== null) this.notice(`took over ${this.dir} from sink "${owner.sink}", which is configured no more`);
      }
      this.#inode = (await files.stat(`${this.dir}/${OWNER_NAME}`))?.inode ?? null;
      return owner !== null;
    } catch (error) {
      await this.release();
      throw error;
    }
  }

  /** Rejects if the folder that was taken is no longer there: it was removed, moved or replaced. */
  async check(): Promise<void> {
    const stat = await this.#context.host.files.stat(`${this.dir}/${OWNER_NAME}`);
    if (stat !== null && isSameFile(stat.inode, this.#inode)) return;
    throw new Failure("sink", `Cannot write to ${this.dir}: the folder was removed, moved or replaced`);
  }

  /** Returns the full path of a path below the folder. Throws a `Failure` if it leads out of the folder. */
  inside(path: string): string {
    const parts = path.split("/");
    if (parts.every((part) => part !== "" && part !== "." && part !== ".." && !/[\\\0]/.test(part))) {
      return `${this.dir}/${path}`;
    }
    throw new Failure("corrupt", `Cannot use the path "${path}" of a file in ${this.dir}: it leads elsewhere`, {
      retry: false,
    });
  }

  /** Tells the owner of the data. */
  notice(text: string): void {
    this.#context.observe({ kind: "sink_notice", sink: this.#context.name, text });
  }

  async release(): Promise<void> {
    const lock = this.#lock;
    this.#lock = null;
    await lock?.release();
  }

  async #lockIt(): Promise<{ release(): Promise<void> }> {
    try {
      return await this.#context.host.files.lock(`${this.dir}/${SINK_LOCK_NAME}`);
    } catch (cause) {
      if (!(cause instanceof Failure) || cause.code !== "busy") throw cause;
      const owner = await this.#readOwner();
      const isMine = owner?.journal === this.#context.journal && owner.sink === this.#context.name;
      const text = isMine
        ? `Cannot write to ${this.dir}: an earlier call of this sink has not ended, or another process runs it`
        : `Cannot write to ${this.dir}: ${describe(owner)} is writing there; give this sink a dir of its own`;
      throw new Failure("busy", text, { cause, retry: isMine });
    }
  }

  async #readOwner(): Promise<Owner | null> {
    const path = `${this.dir}/${OWNER_NAME}`;
    const text = await this.#context.host.files.readText(path);
    if (text === null) return null;
    const owner = parseOwner(text);
    if (owner !== null) return owner;
    const hint = "remove it if nobody else writes to this folder";
    throw new Failure("corrupt", `Cannot read ${path}: it names no owner; ${hint}`, { retry: false });
  }

  #verify(owner: Owner): void {
    const { journal, name, sinks } = this.#context;
    const refuse = (hint: string) => {
      throw new Failure("busy", `Cannot write to ${this.dir}: it belongs to ${describe(owner)}; ${hint}`, {
        retry: false,
      });
    };
    if (owner.journal !== journal) {
      refuse(
        `this is journal ${journal}. Give this sink another dir; or, if that journal is gone for good, remove ` +
          `${this.dir}/${OWNER_NAME}: existing files stay, and this sink writes beside them`,
      );
    }
    if (owner.type !== this.#type) refuse(`this sink writes ${this.#type}. Give it a dir of its own`);
    if (owner.sink !== name && sinks.includes(owner.sink)) refuse("give this sink a dir of its own");
  }
}

/** Whether two inodes may be of one file; also true if the file system has no inodes. */
export function isSameFile(left: number | null, right: number | null): boolean {
  return left === null || right === null || left === right;
}

/** Makes a folder below `root` durably: syncs every folder that gains an entry. */
export async function makeFolder(files: Files, root: string, folder: string): Promise<void> {
  const missing: string[] = [];
  let path = folder;
  while (await files.stat(path) === null) {
    missing.push(path);
    if (path === root || !path.includes("/")) break;
    path = path.slice(0, path.lastIndexOf("/"));
  }
  if (missing.length === 0) return;
  await files.makeDir(folder);
  for (const made of missing.reverse()) {
    const at = made.lastIndexOf("/");
    if (at > 0) await files.syncDir(made.slice(0, at));
  }
}

function describe(owner: Owner | null): string {
  return owner === null ? "another" : `sink "${owner.sink}" (${owner.type}) of journal ${owner.journal}`;
}

function parseOwner(text: string): Owner | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  if (typeof value !== "object" || value === null) return null;
  const { journal, sink, type } = { journal: null, sink: null, type: null, ...value };
  return typeof journal === "string" && typeof sink === "string" && typeof type === "string"
    ? { journal, sink, type }
    : null;
}
