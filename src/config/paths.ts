/** Paths of files as texts, with `/`; nothing is looked up. */

/** Whether a path stands on its own: `/…`, `C:\…` or `\\server`. */
export function isAbsolute(path: string): boolean {
  return /^(?:[/\\]|[A-Za-z]:[/\\])/.test(path);
}

/** The folder of a file; empty where the path has none. */
export function folderOf(path: string): string {
  const at = Math.max(path.lastIndexOf("/"), path.lastIndexOf("\\"));
  return at === -1 ? "" : at === 0 ? path.slice(0, 1) : path.slice(0, at);
}

/** A path as seen from a folder, without needless `.` and `..`. */
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
 * A path with the home folder in place of a leading `~`, as shells write it; null where that folder is not known, or is
 * that of another user. A folder that is really named so is `./~`.
 */
export function withHome(path: string, home: string | undefined): string | null {
  if (!path.startsWith("~")) return path;
  const [first] = path.split(/[/\\]/, 1);
  if (first !== "~" || home === undefined || home === "") return null;
  return `${home.replace(/[/\\]+$/, "")}${path.slice(1)}`;
}
