/** Gives an open socket's place free; once. */
export type FreePlace = () => void;

/** The sockets of one address to one host. */
interface Place {
  open: number;
  /** Sockets that wait for one to close, in the order of asking. */
  readonly waiting: { readonly most: number; readonly enter: () => void }[];
}

/** Counts the sockets that are open to each host, over all instances of the process, and lets no more open than it allows. */
export class SocketPlaces {
  readonly #places = new Map<string, Place>();

  /**
   * Resolves when a socket may be open beside the others to a host, with what ends its being counted. `most`: how many
   * the host allows to one address; null: it has not said, and nothing is waited for. Where the signal aborts before,
   * resolves at once and counts nothing.
   */
  take(key: string, most: number | null, signal: AbortSignal): Promise<FreePlace> {
    if (signal.aborted) return Promise.resolve(() => {});
    let place = this.#places.get(key);
    if (place === undefined) this.#places.set(key, place = { open: 0, waiting: [] });
    const { waiting } = place;
    if (most === null || (waiting.length === 0 && place.open < most)) return Promise.resolve(this.#count(key, place));
    const here = place;
    const { promise, resolve } = Promise.withResolvers<FreePlace>();
    const entry = {
      most,
      enter: () => {
        signal.removeEventListener("abort", leave);
        resolve(this.#count(key, here));
      },
    };
    const leave = () => {
      waiting.splice(waiting.indexOf(entry), 1);
      resolve(() => {});
      this.#admit(key, here);
    };
    waiting.push(entry);
    signal.addEventListener("abort", leave, { once: true });
    return promise;
  }

  #count(key: string, place: Place): FreePlace {
    place.open++;
    let isFree = false;
    return () => {
      if (isFree) return;
      isFree = true;
      place.open--;
      this.#admit(key, place);
    };
  }

  #admit(key: string, place: Place): void {
    const { waiting } = place;
    while (waiting.length > 0 && place.open < waiting[0].most) waiting.shift()?.enter();
    if (place.open === 0 && waiting.length === 0) this.#places.delete(key);
  }
}
