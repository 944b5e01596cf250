/** Merges streams that are in order; of equals that of the earlier stream comes first. */
export async function* mergeBy<T>(
  streams: readonly AsyncIterable<T>[],
  compare: (a: T, b: T) => number,
): AsyncIterable<T> {
  const open = streams.map((stream) => stream[Symbol.asyncIterator]());
  try {
    const heads: { readonly value: T; readonly from: AsyncIterator<T> }[] = [];
    for (const from of open) {
      const { done, value } = await from.next();
      if (done !== true) heads.push({ value, from });
    }
    while (heads.length > 0) {
      let least = 0;
      for (let at = 1; at < heads.length; at++) if (compare(heads[at].value, heads[least].value) < 0) least = at;
      const { value, from } = heads[least];
      yield value;
      const next = await from.next();
      if (next.done === true) heads.splice(least, 1);
      else heads[least] = { value: next.value, from };
    }
  } finally {
    for (const stream of open) await stream.return?.();
  }
}
