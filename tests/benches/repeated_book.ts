/** Book updates of Binance's protocols, as far as repeating them needs. */
interface Update {
  readonly U: number;
  readonly u: number;
  readonly pu?: number;
  readonly b: readonly (readonly [string, string])[];
  readonly a: readonly (readonly [string, string])[];
}

interface Image {
  readonly lastUpdateId: number;
  readonly bids: Update["b"];
  readonly asks: Update["a"];
}

/**
 * Makes passes over recorded frames that follow each other as one stream. The book's update ids go on where they ended,
 * and each later pass begins with an update that sets the book back to the image that it began with, so that it stays
 * whole and of one size however often the frames are repeated.
 */
export function createPasses(
  frames: readonly Uint8Array[],
  bookImage: Uint8Array | null,
): (pass: number) => readonly Uint8Array[] {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  const image: Image | null = bookImage === null ? null : JSON.parse(decoder.decode(bookImage));
  const texts = frames.map((frame) => decoder.decode(frame));
  const isOld = texts.map((text) => image !== null && (readUpdate(text)?.u ?? Infinity) < image.lastUpdateId);
  const updates = texts.map(readUpdate).filter((update, at) => update !== null && !isOld[at]);
  const first = updates.at(0);
  const last = updates.at(-1);
  if (first == null || last == null) return () => frames;
  const before = first.pu ?? first.U - 1;
  const back = image === null ? null : updateBack(image, updates.filter((update) => update !== null));
  const step = last.u - before + (back === null ? 0 : 1);
  return (pass) => {
    if (pass === 0) return frames;
    const shift = pass * step;
    const again = texts.flatMap((text, at) => {
      if (isOld[at]) return [];
      return text.includes('"depthUpdate"') ? [encoder.encode(shifted(text, shift))] : [frames[at]];
    });
    if (back === null) return again;
    const sample = texts.find((text) => readUpdate(text) !== null) ?? "";
    const end = before + shift;
    return [encoder.encode(withUpdate(sample, { U: end, u: end, pu: end - 1, ...back })), ...again];
  };
}

function readUpdate(text: string): Update | null {
  if (!text.includes('"depthUpdate"')) return null;
  const message = JSON.parse(text);
  return message.data ?? message;
}

/** The levels that lead from the book after all updates back to its image. */
function updateBack(image: Image, updates: readonly Update[]): Pick<Update, "b" | "a"> {
  const side = (name: "b" | "a", levels: Update["b"]) => {
    const sizes = new Map<string, string>();
    for (const update of updates) for (const [price, size] of update[name]) sizes.set(price, size);
    for (const [price, size] of sizes) {
      if (Number(size) === 0) sizes.delete(price);
      else sizes.set(price, "0");
    }
    for (const [price, size] of levels) sizes.set(price, size);
    return [...sizes];
  };
  return { b: side("b", image.bids), a: side("a", image.asks) };
}

function shifted(text: string, shift: number): string {
  return text.replace(/"(U|u|pu)":(\d+)/g, (_, name, id) => `"${name}":${Number(id) + shift}`);
}

/** A message like another one, with ids and levels of its own. */
function withUpdate(text: string, update: Update): string {
  const message = JSON.parse(text);
  Object.assign(message.data ?? message, update);
  return JSON.stringify(message);
}
