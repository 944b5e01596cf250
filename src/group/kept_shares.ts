import type { Host } from "../host/mod.ts";
import { Failure, type Observer } from "../model/mod.ts";
import { isSameLayout, type Layout } from "./entry.ts";

/** Keeps the shares that a collector holds in a file. It starts with them if the engine cannot be reached. */
export class KeptShares {
  readonly #files: Host["files"];
  readonly #path: string;
  readonly #observe: Observer;

  constructor(options: { readonly files: Host["files"]; readonly path: string; readonly observe: Observer }) {
    this.#files = options.files;
    this.#path = options.path;
    this.#observe = options.observe;
  }

  /**
   * Returns the kept shares; none if there is no file, or one of another layout. Reports a file that cannot be read.
   */
  async read(layout: Layout): Promise<readonly number[]> {
    try {
      const text = await this.#files.readText(this.#path);
      return text === null ? [] : sharesOf(text, layout);
    } catch (error) {
      if (!(error instanceof Failure) && !(error instanceof SyntaxError)) throw error;
      this.#observe({ kind: "kept_file_failed", file: this.#path, action: "read", error: error.message });
      return [];
    }
  }

  async write(layout: Layout, held: Iterable<number>): Promise<void> {
    const text = JSON.stringify({ ...layout, held: [...held].sort((a, b) => a - b) });
    try {
      await this.#files.writeAtomic(this.#path, new TextEncoder().encode(`${text}\n`));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      this.#observe({ kind: "kept_file_failed", file: this.#path, action: "write", error: error.message });
    }
  }
}

function sharesOf(text: string, layout: Layout): readonly number[] {
  const value: unknown = JSON.parse(text);
  const { shares, replicas, held } = (typeof value === "object" && value !== null ? value : {}) as Readonly<
    Record<string, unknown>
  >;
  if (typeof shares !== "number" || typeof replicas !== "number" || !Array.isArray(held)) {
    throw new SyntaxError("it does not say which shares were held");
  }
  if (!isSameLayout({ shares, replicas }, layout)) return [];
  return held.filter((share) => Number.isInteger(share) && share >= 1 && share <= shares);
}
