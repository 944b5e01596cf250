import type { BookEmission } from "../book/mod.ts";
import { SIBLING_PATIENCE_US } from "../model/mod.ts";
import type { RecordAccount } from "./account.ts";
import { type KeptBook, SUPPRESSED } from "./books.ts";
import { closedGap } from "./gaps.ts";
import type { SessionMemory } from "./session_memory.ts";
import type { BookLead, SiblingGroup, SiblingSession } from "./sibling_group.ts";

/**
 * What to do with updates that a keeper accepted. `emit`: emit them. `withhold`: suppress them, because another socket
 * leads. `snapshot`: this socket leads from here on; emit its whole book as a snapshot.
 */
export type BookTurn = "emit" | "withhold" | "snapshot";

/**
 * Chooses which of several sockets with the same book leads, so that its updates are emitted: one socket, until its
 * book is broken or its socket is gone or silent; then another one with a valid book. If sequences are the same on all
 * sockets and the new leader's next update follows the last emitted one, it continues there; otherwise its whole book
 * is emitted as a snapshot. Gaps are emitted only if no socket has a valid book.
 */
export class SiblingBooks {
  readonly #account: RecordAccount;

  constructor(account: RecordAccount) {
    this.#account = account;
  }

  /** Whether another socket has a valid book, so that a fault of this one is no gap. */
  isShown(session: SessionMemory, kept: KeptBook): boolean {
    const group = session.siblings;
    return group !== null && group.isShared(this.#account.at) && this.#others(group, session, kept).some(isValid);
  }

  /** Returns what to do with updates of a socket's book. */
  turn(session: SessionMemory, group: SiblingGroup, kept: KeptBook, emit: readonly BookEmission[]): BookTurn {
    const { at } = this.#account;
    const key = `${kept.keeper.rule.name}\n${kept.native}`;
    const others = this.#others(group, session, kept);
    const lead = group.books.get(key);
    if (lead === undefined) {
      // Before siblings opened, the eldest was the only socket, so it leads.
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
        // Deltas before the first snapshot are not needed if another socket has a valid book.
        if (others.some(isValid)) return "withhold";
      } else {
        const step = stepFrom(lead, kept, emit);
        if (step === "old") return "withhold";
        this.#closeGaps(others);
        follow(lead, session, kept, at);
        return step === "next" ? "emit" : "snapshot";
      }
    }
    follow(lead, session, kept, at);
    return "emit";
  }

  /** Closes the gaps of the other sockets' books, because this socket's book is valid. */
  #closeGaps(others: readonly SiblingBook[]): void {
    const account = this.#account;
    for (const { kept } of others) {
      if (kept.gapId === "" || kept.gapId === SUPPRESSED) continue;
      const open = kept.keeper.openGap;
      const { cause, fromTs: from, fromSequence, detail } = open ??
        { cause: "stale" as const, fromTs: null, fromSequence: null, detail: "" };
      const action = "another socket of the connection has the book";
      const gap = closedGap({ stream: "book", cause, from, fromSequence, to: account.at, detail, action });
      account.emitGap(kept, gap, kept.gapId);
      kept.gapId = SUPPRESSED;
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
 * Returns the relation of updates to the last sequence emitted from another socket. Sequences are the same on all
 * sockets if REST snapshots are joined by them; for other books the result is `apart`.
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
