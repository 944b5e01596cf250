import type { Definitions } from "../../lang/mod.ts";
import type { Issue } from "../../model/mod.ts";
import { numberText } from "../number_texts.ts";
import { issueAt, type Locate, type ValuePath } from "../position.ts";

/** Part of a string value: UTF-16 offset and length in its decoded text. */
export interface Span {
  readonly offset: number;
  readonly length: number;
}

/** What all places of a file share. */
interface PlaceOptions {
  readonly issues: Issue[];
  readonly exchange: string | null;
  readonly path?: ValuePath;
  /** Functions that the file defines for its expressions. */
  readonly definitions?: Definitions;
}

/** A place in one of the user's files, with the list that its issues are collected in. */
export class Place {
  readonly #locate: Locate;
  readonly #options: PlaceOptions;
  readonly #path: ValuePath;

  constructor(locate: Locate, options: PlaceOptions) {
    this.#locate = locate;
    this.#options = options;
    this.#path = options.path ?? [];
  }

  /** Functions that expressions at this place may call beside the language's own. */
  get definitions(): Definitions | undefined {
    return this.#options.definitions;
  }

  /** A place further in. */
  at(...keys: ValuePath): Place {
    return new Place(this.#locate, { ...this.#options, path: [...this.#path, ...keys] });
  }

  /** The same place, where expressions may call these functions. */
  defining(definitions: Definitions): Place {
    return new Place(this.#locate, { ...this.#options, definitions });
  }

  /** Something is wrong here that keeps the instance from running. */
  error(message: string, span?: Span): void {
    this.#report("error", message, span);
  }

  /** Something looks wrong here and does not keep the instance from running. */
  warning(message: string, span?: Span): void {
    this.#report("warning", message, span);
  }

  /** Returns a number of the file as it is written there, without the marks of TOML; as JavaScript spells it where unknown. */
  number(value: number): string {
    const { sourceLine, column, length } = this.#locate(this.#path);
    return numberText(sourceLine.slice(column - 1, column - 1 + length), value);
  }

  #report(severity: "error" | "warning", message: string, span: Span | undefined): void {
    const position = this.#locate(this.#path, span?.offset, span?.length);
    const { issues, exchange } = this.#options;
    issues.push(issueAt(position, { severity, message, exchange }));
  }
}

/** Words for a message: `a, b and c`; `none` for an empty list. */
export function listed(names: Iterable<string>): string {
  const all = [...names];
  if (all.length === 0) return "none";
  if (all.length === 1) return all[0];
  return `${all.slice(0, -1).join(", ")} and ${all[all.length - 1]}`;
}
