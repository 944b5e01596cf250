import { denoHost } from "../../src/host/mod.ts";

const { files } = denoHost();

/**
 * A folder on a disk of its own that can be filled and freed. Where no disk can be mounted (that needs root), the folder
 * is an ordinary one and `canFill` is false.
 */
export class SmallDisk {
  /** On the small disk. */
  readonly dir: string;
  /** A folder beside it that never fills. */
  readonly outside: string;
  readonly canFill: boolean;
  readonly #root: string;

  private constructor(root: string, canFill: boolean) {
    this.#root = root;
    this.dir = `${root}/disk`;
    this.outside = `${root}/outside`;
    this.canFill = canFill;
  }

  static async create({ bytes }: { readonly bytes: number }): Promise<SmallDisk> {
    const root = await files.makeTempDir("small-disk");
    await Deno.mkdir(`${root}/disk`);
    await Deno.mkdir(`${root}/outside`);
    const canFill = await succeeds("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "tmpfs", `${root}/disk`]);
    if (!canFill) console.warn("SKIPPED: a full disk, because no small disk can be mounted here");
    return new SmallDisk(root, canFill);
  }

  /** Takes all the space that is left. */
  async fill(): Promise<void> {
    if (!this.canFill) return;
    using filler = await Deno.open(`${this.dir}/filler`, { create: true, append: true });
    const chunk = new Uint8Array(1 << 20);
    for (let size = chunk.length; size >= 4096;) {
      try {
        await filler.write(chunk.subarray(0, size));
      } catch {
        // The disk has no room for so much.
        size = size >> 1;
      }
    }
  }

  /** Gives the space back. */
  async free(): Promise<void> {
    await files.remove(`${this.dir}/filler`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.canFill) await succeeds("umount", ["-l", this.dir]);
    await files.removeTree(this.#root);
  }
}

async function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  try {
    return (await new Deno.Command(command, { args: [...args], stdout: "null", stderr: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotCapable) return false;
    throw error;
  }
}
