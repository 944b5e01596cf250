/**
 * Returns the circles of a graph of files: each as the files that can reach one another, sorted. A file that imports
 * itself is one too. (Tarjan's strongly connected components, without recursion.)
 */
export function circlesOf(graph: ReadonlyMap<string, readonly string[]>): readonly (readonly string[])[] {
  const circles: (readonly string[])[] = [];
  const order = new Map<string, number>();
  const low = new Map<string, number>();
  const open: string[] = [];
  for (const start of graph.keys()) {
    if (order.has(start)) continue;
    const path: { readonly file: string; next: number }[] = [];
    const enter = (file: string): void => {
      order.set(file, order.size);
      low.set(file, order.get(file) ?? 0);
      open.push(file);
      path.push({ file, next: 0 });
    };
    enter(start);
    for (let step = path.at(-1); step !== undefined; step = path.at(-1)) {
      const { file } = step;
      const target = graph.get(file)?.[step.next++];
      if (target === undefined) {
        path.pop();
        const above = path.at(-1)?.file;
        if (above !== undefined) lower(low, above, low.get(file));
        if (low.get(file) === order.get(file)) {
          const circle = open.splice(open.indexOf(file));
          if (circle.length > 1 || graph.get(file)?.includes(file)) circles.push(circle.sort());
        }
      } else if (!order.has(target)) enter(target);
      else if (open.includes(target)) lower(low, file, order.get(target));
    }
  }
  return circles;
}

function lower(low: Map<string, number>, file: string, to: number | undefined): void {
  low.set(file, Math.min(low.get(file) ?? Infinity, to ?? Infinity));
}

/** Returns the names that a row of the table allows and nothing uses, sorted. */
export function unusedOf(allowed: readonly string[], used: Iterable<string>): readonly string[] {
  const all = [...used];
  const isUsed = (name: string) =>
    all.some((one) => one === name || one.startsWith(name.endsWith(":") ? name : `${name}/`));
  return allowed.filter((name) => !isUsed(name)).sort();
}
