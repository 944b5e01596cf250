import type { Environment, FileHandle, Files, FileStat, Host } from "../../host/mod.ts";
import { Failure, joinBytes } from "../../model/mod.ts";
import { type Bucket, ObjectStore } from "./object_store.ts";

/** Prefix of paths in a bucket: `s3://bucket/key`. */
const SCHEME = "s3://";
/** Bytes fetched at once when an object is read in pieces. */
const WINDOW_BYTES = 8 * 1024 * 1024;

/**
 * Returns a host whose files are objects of S3, or of a store that speaks its protocol, where a path begins with
 * `s3://`. The keys and the address come from the environment, under the names that other programs know:
 * `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`, `AWS_REGION` or `AWS_DEFAULT_REGION`,
 * `AWS_ENDPOINT_URL_S3` or `AWS_ENDPOINT_URL`, `AWS_CA_BUNDLE`. Objects are written whole: what is appended is kept in
 * memory until it is synced. There are no locks, folders are what keys have before a "/", and nothing can be read
 * synchronously.
 */
export function withBuckets(host: Host): Host {
  const { files } = host;
  const buckets = new BucketFiles(host);
  const isInBucket = (path: string) => path.startsWith(SCHEME);
  const at = (path: string) => isInBucket(path) ? buckets : files;
  return {
    ...host,
    files: {
      open: async (path, mode) => await at(path).open(path, mode),
      readBytes: async (path) => await at(path).readBytes(path),
      readText: async (path) => await at(path).readText(path),
      writeAtomic: async (path, bytes) => await at(path).writeAtomic(path, bytes),
      list: async (dir) => await at(dir).list(dir),
      stat: async (path) => await at(path).stat(path),
      makeDir: async (path) => isInBucket(path) ? undefined : await files.makeDir(path),
      rename: async (from, to) => {
        if (isInBucket(from) !== isInBucket(to)) throw unsupported("rename", from);
        await at(from).rename(from, to);
      },
      remove: async (path) => await at(path).remove(path),
      removeTree: async (path) => isInBucket(path) ? unsupportedNow("remove", path) : await files.removeTree(path),
      syncDir: async (path) => isInBucket(path) ? undefined : await files.syncDir(path),
      makeTempDir: (prefix) => files.makeTempDir(prefix),
      space: async (path) => isInBucket(path) ? null : await files.space(path),
      lock: async (path) => isInBucket(path) ? unsupportedNow("lock", path) : await files.lock(path),
      realPathSync: (path) => isInBucket(path) ? path : files.realPathSync(path),
      readTextSync: (path, options) =>
        isInBucket(path) ? unsupportedNow("read", path) : files.readTextSync(path, options),
      namesSync: (dir) => isInBucket(dir) ? unsupportedNow("list", dir) : files.namesSync(dir),
    },
  };
}

function unsupported(what: string, path: string): Failure {
  return new Failure("file", `Cannot ${what} ${path}: a bucket does not offer that`, { retry: false });
}

function unsupportedNow(what: string, path: string): never {
  throw unsupported(what, path);
}

/** The part of `Files` that a bucket supports. */
class BucketFiles {
  readonly #host: Host;
  readonly #stores = new Map<string, ObjectStore>();
  /** Requests have their own timeout and cannot be cancelled. */
  readonly #signal = new AbortController().signal;

  constructor(host: Host) {
    this.#host = host;
  }

  async open(path: string, mode: "read" | "append"): Promise<FileHandle> {
    if (mode === "append") return this.#appending(path);
    const stat = await this.stat(path);
    if (stat === null || stat.isDirectory) {
      throw new Failure("file", `Cannot open ${path}: no such object`, { retry: false });
    }
    return this.#reading(path, stat.bytes);
  }

  async readBytes(path: string): Promise<Uint8Array | null> {
    const { store, key } = this.#locate(path);
    return (await store.get(key, this.#signal))?.bytes ?? null;
  }

  async readText(path: string): Promise<string | null> {
    const bytes = await this.readBytes(path);
    return bytes === null ? null : new TextDecoder().decode(bytes);
  }

  async writeAtomic(path: string, bytes: Uint8Array | readonly Uint8Array[]): Promise<void> {
    const { store, key } = this.#locate(path);
    const body = bytes instanceof Uint8Array ? bytes : joinBytes(bytes);
    await store.put(key, { body, type: "application/octet-stream", condition: null }, this.#signal);
  }

  async list(dir: string): Promise<Awaited<ReturnType<Files["list"]>>> {
    const { store, key } = this.#locate(dir);
    const prefix = key === "" ? "" : `${key.replace(/\/+$/, "")}/`;
    const found = await store.list(prefix, this.#signal);
    if (found.length === 0) return null;
    return found.map(({ key, isPrefix }) => ({
      name: key.slice(prefix.length).replace(/\/$/, ""),
      isDirectory: isPrefix,
    })).filter(({ name }) => name !== "");
  }

  async stat(path: string): Promise<FileStat | null> {
    const { store, key } = this.#locate(path);
    const name = key.replace(/\/+$/, "");
    const folder = { bytes: 0, isDirectory: true, modifiedMs: 0, inode: null };
    if (name === "") return folder;
    const found = await store.list(name, this.#signal);
    const object = found.find((each) => !each.isPrefix && each.key === name);
    if (object !== undefined) return { ...folder, bytes: object.bytes, isDirectory: false };
    return found.some((each) => each.isPrefix && each.key === `${name}/`) ? folder : null;
  }

  async rename(from: string, to: string): Promise<void> {
    const [source, target] = [this.#locate(from), this.#locate(to)];
    if (source.store !== target.store) throw unsupported("rename", from);
    await source.store.copy(source.key, target.key, this.#signal);
    await source.store.remove(source.key, this.#signal);
  }

  async remove(path: string): Promise<void> {
    const { store, key } = this.#locate(path);
    await store.remove(key, this.#signal);
  }

  #appending(path: string): FileHandle {
    const { store, key } = this.#locate(path);
    const chunks: Uint8Array[] = [];
    let isWritten = true;
    const sync = async () => {
      if (isWritten) return;
      await store.put(
        key,
        { body: joinBytes(chunks), type: "application/octet-stream", condition: null },
        this.#signal,
      );
      isWritten = true;
    };
    return {
      write: (bytes) => {
        chunks.push(bytes.slice());
        isWritten = false;
        return Promise.resolve();
      },
      readAt: () => Promise.reject(unsupported("read", path)),
      sync,
      truncate: () => Promise.reject(unsupported("truncate", path)),
      isCurrent: () => Promise.resolve(true),
      close: sync,
    };
  }

  /** Reads an object through a window of it, because readers go from its begin to its end by small pieces. */
  #reading(path: string, bytes: number): FileHandle {
    const { store, key } = this.#locate(path);
    let window = { from: 0, bytes: new Uint8Array() };
    const refuse = (what: string) => () => Promise.reject(unsupported(what, path));
    return {
      readAt: async (position, wanted) => {
        const length = Math.min(wanted, bytes - position);
        if (length <= 0) return new Uint8Array();
        const isInside = position >= window.from && position + length <= window.from + window.bytes.length;
        if (!isInside) {
          const range = { from: position, length: Math.max(length, Math.min(WINDOW_BYTES, bytes - position)) };
          const part = await store.get(key, this.#signal, range);
          if (part === null) throw new Failure("file", `Cannot read ${path}: it is gone`, { retry: false });
          window = { from: position, bytes: new Uint8Array(part.bytes) };
        }
        return window.bytes.slice(position - window.from, position - window.from + length);
      },
      write: refuse("write to"),
      sync: refuse("write to"),
      truncate: refuse("truncate"),
      isCurrent: () => Promise.resolve(true),
      close: () => Promise.resolve(),
    };
  }

  #locate(path: string): { readonly store: ObjectStore; readonly key: string } {
    const [, name, key = ""] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/+(.*))?$/.exec(path) ?? [];
    if (name === undefined) {
      throw new Failure("file", `Cannot open ${path}: expected s3://bucket/key`, { retry: false });
    }
    let store = this.#stores.get(name);
    if (store === undefined) this.#stores.set(name, store = new ObjectStore(bucketOf(name, this.#host), this.#host));
    return { store, key: key.replace(/\/{2,}/g, "/") };
  }
}

function bucketOf(bucket: string, { environment, secrets }: Pick<Host, "environment" | "secrets">): Bucket {
  const [accessKeyId, secretAccessKey] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"].map((name) => {
    const value = first(environment, name);
    if (value === null) throw new Failure("file", `Cannot open s3://${bucket}: ${name} is not set`, { retry: false });
    return value;
  });
  const sessionToken = first(environment, "AWS_SESSION_TOKEN");
  secrets.add("{env:AWS_SECRET_ACCESS_KEY}", secretAccessKey);
  if (sessionToken !== null) secrets.add("{env:AWS_SESSION_TOKEN}", sessionToken);
  const region = first(environment, "AWS_REGION", "AWS_DEFAULT_REGION") ?? "us-east-1";
  const endpoint = first(environment, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
  return {
    url: endpoint ?? `https://s3.${region}.amazonaws.com`,
    bucket,
    region,
    // Self-hosted stores seldom have a host name for each bucket.
    style: endpoint === null && !bucket.includes(".") ? "virtual" : "path",
    accessKeyId,
    secretAccessKey,
    sessionToken,
    caPath: first(environment, "AWS_CA_BUNDLE"),
  };
}

/** Returns the first variable that is set and not empty. */
function first(environment: Environment, ...names: readonly string[]): string | null {
  for (const name of names) {
    const value = environment.get(name) ?? "";
    if (value !== "") return value;
  }
  return null;
}
