import type { Files } from "../host/mod.ts";
import { COLLECTOR_NAMES_MAX, type Offset } from "../model/mod.ts";

/** Name of the file in a journal's folder. */
export const COLLECTORS_NAME = "collectors";

/** Who collected the records from an offset on. */
export interface NamedStretch {
  /** Null if it is unknown, in a journal of an earlier version. */
  readonly name: string | null;
  /** Where the records of the next name begin; null if there is none. */
  readonly until: Offset | null;
}

interface NameFrom {
  readonly from: Offset;
  readonly name: string;
}

/**
 * The names under which a journal was collected, from its file `collectors`: one line per name, with the offset of its
 * first record. Events that are derived again later get the name of their time.
 */
export class CollectorNames {
  #names: readonly NameFrom[];

  private constructor(names: readonly NameFrom[]) {
    this.#names = names;
  }

  /** Reads the names of the journal in a folder; damaged lines are ignored. */
  static async load(files: Pick<Files, "readText">, dir: string): Promise<CollectorNames> {
    const text = await files.readText(fileIn(dir)) ?? "";
    const names = text.split("\n").flatMap((line): NameFrom[] => {
      const [, from, name] = /^(\d{1,16}) ([A-Za-z0-9_.-]+)$/.exec(line) ?? [];
      return name === undefined || !Number.isSafeInteger(Number(from)) ? [] : [{ from: Number(from), name }];
    });
    return new CollectorNames(names.sort((a, b) => a.from - b.from));
  }

  /** The name of the latest records; null if unknown. */
  get latest(): string | null {
    return this.#names.at(-1)?.name ?? null;
  }

  /** Returns who collected the record at an offset. */
  at(offset: Offset): NamedStretch {
    const next = this.#names.findIndex(({ from }) => from > offset);
    const own = this.#names.at(next < 0 ? -1 : next - 1);
    if (next === 0 || own === undefined) return { name: null, until: this.#names[0]?.from ?? null };
    return { name: own.name, until: next < 0 ? null : this.#names[next].from };
  }

  /** Writes that records from `from` on are collected under a name, if it is not the latest already. */
  async note(files: Pick<Files, "writeAtomic">, dir: string, { from, name }: NameFrom): Promise<void> {
    if (this.latest === name) return;
    const names = [...this.#names.filter((known) => known.from < from), { from, name }].slice(-COLLECTOR_NAMES_MAX);
    await write(files, dir, names);
    this.#names = names;
  }

  /** Writes the file again if it is gone. */
  async restore(files: Pick<Files, "readText" | "writeAtomic">, dir: string): Promise<void> {
    if (await files.readText(fileIn(dir)) === null) await write(files, dir, this.#names);
  }
}

function write(files: Pick<Files, "writeAtomic">, dir: string, names: readonly NameFrom[]): Promise<void> {
  const text = names.map(({ from, name }) => `${from} ${name}\n`).join("");
  return files.writeAtomic(fileIn(dir), new TextEncoder().encode(text));
}

function fileIn(dir: string): string {
  return `${dir}/${COLLECTORS_NAME}`;
}
