import type { BookEmission } from "../book/mod.ts";
import { SIBLING_PATIENCE_US } from "../model/mod.ts";
import type { RecordAccount } from "./account.ts";
import { type KeptBook, UNTOLD } from "./books.ts";
import { closedGap } from "./gaps.ts";
import type { SessionMemory } from "./session_memory.ts";
import type { BookLead, SiblingGroup, SiblingSession } from "./sibling_group.ts";

/**
 * What is done with updates that a keeper lets pass: `emit`; `withhold`: another socket is followed; `image`: this one is
 * followed from here on, and the whole book stands for what was not emitted of it.
 */
export type BookTurn = "emit" | "withhold" | "image";

/**
 * Of a book that several sockets show one is followed, until its book is broken, its socket gone or silent; then another
 * one whose book is valid. Where the book's numbers are the exchange's own the next socket goes on after the last number
 * that was emitted, if it has just come to it; in all other cases its whole book is emitted. Gaps are told where no socket
 * has a valid book.
 */
export class SiblingBooks {
  readonly #account: RecordAccount;

  constructor(account: RecordAccount) {
    this.#account = account;
  }

  /** Whether another socket has the book, so that what is wrong with this one is no gap. */
  isShown(session: SessionMemory, kept: KeptBook): boolean {
    const group = session.siblings;
    return group !== null && group.isShared(this.#account.at) && this.#others(group, session, kept).some(isValid);
  }

  /** Decides on updates of a socket's book. */
  turn(session: SessionMemory, group: SiblingGroup, kept: KeptBook, emit: readonly BookEmission[]): BookTurn {
    const { at } = this.#account;
    const key = `${kept.keeper.rule.name}\n${kept.native}`;
    const others = this.#others(group, session, kept);
    const lead = group.books.get(key);
    if (lead === undefined) {
      // Before, the eldest was the only one.
      const elder = isWhole(session, group) ? undefined : others.find((other) => other.isWhole && isValid(other));
      if (elder !== undefined) {
        const { sequence } = elder.kept.keeper.last;
        group.books.set(key, { session: elder.session.id, at, sequence });
        return "withhold";
      }
      group.books.set(key, { session: session.id, at, sequence: kept.keeper.last.sequence });
      return "emit";
    }
    if (lead.session !== session.id) {
      const leader = others.find((other) => other.session.id === lead.session);
      if (leader !== undefined && isValid(leader) && at - lead.at <= SIBLING_PATIENCE_US) return "withhold";
      if (kept.keeper.state !== "valid") {
        // Deltas before the first snapshot add nothing to a book that somebody shows.
        if (others.some(isValid)) return "withhold";
      } else {
        const step = stepFrom(lead, kept, emit);
        if (step === "old") return "withhold";
        this.#closeGaps(others);
        follow(lead, session, kept, at);
        return step === "next" ? "emit" : "image";
      }
    }
    follow(lead, session, kept, at);
    return "emit";
  }

  /** A socket's book is whole, so the gaps that were told of the others' are over. */
  #closeGaps(others: readonly SiblingBook[]): void {
    const account = this.#account;
    for (const { kept } of others) {
      if (kept.gapId === "" || kept.gapId === UNTOLD) continue;
      const open = kept.keeper.openGap;
      const { cause, fromTs: from, fromSequence, detail } = open ??
        { cause: "stale" as const, fromTs: null, fromSequence: null, detail: "" };
      const action = "another socket of the connection has the book";
      const gap = closedGap({ stream: "book", cause, from, fromSequence, to: account.at, detail, action });
      account.emitGap(kept, gap, kept.gapId);
      kept.gapId = UNTOLD;
    }
  }

  #others(group: SiblingGroup, session: SessionMemory, { keeper, native }: KeptBook): readonly SiblingBook[] {
    const others: SiblingBook[] = [];
    for (const { session: other, isWhole } of group.sockets.values()) {
      if (other === session || other.books === null) continue;
      const kept = other.books.find(keeper.rule, native);
      if (kept !== null) others.push({ session: other, isWhole, kept });
    }
    return others;
  }
}

/** The same book on another socket. */
interface SiblingBook {
  readonly session: SiblingSession;
  readonly isWhole: boolean;
  readonly kept: KeptBook;
}

function isValid({ kept }: SiblingBook): boolean {
  return kept.keeper.state === "valid";
}

function isWhole(session: SessionMemory, group: SiblingGroup): boolean {
  return group.sockets.get(session.id)?.isWhole ?? true;
}

function follow(lead: BookLead, session: SessionMemory, kept: KeptBook, at: number): void {
  lead.session = session.id;
  lead.at = at;
  lead.sequence = kept.keeper.last.sequence;
}

/**
 * What updates are to the last number that was emitted from another socket. Numbers mean the same on all sockets where
 * snapshots over REST are joined by them; of others nothing is said.
 */
function stepFrom(lead: BookLead, kept: KeptBook, emit: readonly BookEmission[]): "old" | "next" | "apart" {
  const { rule, last } = kept.keeper;
  const [first] = emit;
  if (rule.kind !== "rest" || lead.sequence === null || last.sequence === null) return "apart";
  if (!isNumber(lead.sequence) || !isNumber(last.sequence)) return "apart";
  const mark = BigInt(lead.sequence);
  if (BigInt(last.sequence) <= mark) return "old";
  if (first === undefined || first.event.kind !== "book_delta") return "apart";
  const { first_sequence: from, previous_sequence: previous } = first.event;
  if (previous !== null) return previous === lead.sequence ? "next" : "apart";
  return from !== null && isNumber(from) && BigInt(from) <= mark + 1n ? "next" : "apart";
}

function isNumber(text: string): boolean {
  return /^\d{1,40}$/.test(text);
}
