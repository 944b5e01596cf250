/** Operations on paths as texts, with `/`; never reads a file system. */

/** Returns whether a path is absolute: `/…`, `C:\…` or `\\server`. */
export function isAbsolute(path: string): boolean {
  return /^(?:[/\\]|[A-Za-z]:[/\\])/.test(path);
}

/** Returns the folder of a file; empty if the path has none. */
export function folderOf(path: string): string {
  const at = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return at === -1 ? "" : at === 0 ? path.slice(0, 1) : path.slice(0, at);
}

/** Resolves a path from a folder, without needless `.` and `..`. */
export function resolveFrom(folder: string, path: string): string {
  if (isAbsolute(path) || folder === "") return path;
  const segments: string[] = [];
  for (const segment of `${folder}/${path}`.split(/[/\\]/)) {
    if (segment === "." || (segment === "" && segments.length > 0)) continue;
    const last = segments[segments.length - 1];
    if (segment === ".." && last !== undefined && last !== ".." && last !== "") segments.pop();
    else segments.push(segment);
  }
  return segments.join("/");
}

/**
 * Replaces a leading `~` by the home folder, as shells do; null if that folder is unknown or another user's. A folder named
 * `~` is written as `./~`.
 */
export function withHome(path: string, home: string | undefined): string | null {
  if (!path.startsWith("~")) return path;
  const [first] = path.split(/[/\\]/, 1);
  if (first !== "~" || home === undefined || home === "") return null;
  return `${home.replace(/[/\\]+$/, "")}${path.slice(1)}`;
}
