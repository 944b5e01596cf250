import { createHash } from "node:crypto";
import { AwsV4Signer } from "aws4fetch";
import type { FetchResponse, Host } from "../../host/mod.ts";
import { Failure, Secret } from "../../model/mod.ts";
import { fetchSecured } from "../http_client.ts";

/** A bucket and how to reach it. */
export interface Bucket {
  /** Address of the service, without the bucket. */
  readonly url: string;
  readonly bucket: string;
  readonly region: string;
  /** `path`: the bucket is in the path; `virtual`: it is in front of the host name. */
  readonly style: "path" | "virtual";
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
  readonly caPath: string | null;
}

/** An object with its version. */
export interface StoredObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

/** Some bytes of an object. */
export interface Range {
  readonly from: number;
  readonly length: number;
}

/** An object, or a prefix that ends in "/" and that objects have. */
export interface ListedKey {
  readonly key: string;
  readonly bytes: number;
  readonly isPrefix: boolean;
}

/** Condition of a write: the object is missing, or still has the version that was read. */
export type Condition = { readonly absent: true } | { readonly etag: string };

/** Longest time of a request, in ms. */
const REQUEST_MS = 60_000;
const OBJECT_BYTES_MAX = 1024 * 1024 * 1024;

/**
 * Reads and writes the objects of a bucket by the S3 protocol; signs each request with version 4 and the digest of its
 * body.
 */
export class ObjectStore {
  readonly #bucket: Bucket;
  readonly #host: Host;

  constructor(bucket: Bucket, host: Host) {
    this.#bucket = bucket;
    this.#host = host;
  }

  /**
   * Returns an object; null if there is none. `range`: from which byte on, and at most how many; fewer come where it
   * ends before.
   */
  async get(key: string, signal: AbortSignal, range: Range | null = null): Promise<StoredObject | null> {
    const headers: Record<string, string> = range === null
      ? {}
      : { range: `bytes=${range.from}-${range.from + range.length - 1}` };
    const answer = await this.#call({ method: "GET", key, body: null, headers }, signal);
    if (answer.status === 404 && errorOf(answer).code !== "NoSuchBucket") return null;
    if (range !== null && answer.status === 416) return { bytes: new Uint8Array(), etag: "" };
    if (answer.status !== 200 && answer.status !== 206) throw this.#failure(`Cannot read ${key}`, answer);
    return { bytes: answer.body, etag: answer.etag ?? "" };
  }

  /** Returns what stands directly below a prefix that is empty or ends in "/", in the order of the keys. */
  async list(prefix: string, signal: AbortSignal): Promise<readonly ListedKey[]> {
    const found: ListedKey[] = [];
    for (let token = "";;) {
      const query = {
        "list-type": "2",
        delimiter: "/",
        prefix,
        ...(token === "" ? {} : { "continuation-token": token }),
      };
      const answer = await this.#call({ method: "GET", key: "", query, body: null, headers: {} }, signal);
      if (answer.status !== 200) throw this.#failure(`Cannot list ${prefix}`, answer);
      const text = new TextDecoder().decode(answer.body);
      for (const [, entry] of text.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
        found.push({ key: xmlPart(entry, "Key"), bytes: Number(xmlPart(entry, "Size")), isPrefix: false });
      }
      for (const [, entry] of text.matchAll(/<CommonPrefixes>(.*?)<\/CommonPrefixes>/gs)) {
        found.push({ key: xmlPart(entry, "Prefix"), bytes: 0, isPrefix: true });
      }
      token = xmlPart(text, "NextContinuationToken");
      if (token === "") return found.sort((a, b) => a.key < b.key ? -1 : 1);
    }
  }

  /** Copies an object within the bucket, on the server. */
  async copy(from: string, to: string, signal: AbortSignal): Promise<void> {
    const source = `/${this.#bucket.bucket}/${from.split("/").map(encodeSegment).join("/")}`;
    const answer = await this.#call(
      { method: "PUT", key: to, body: null, headers: { "x-amz-copy-source": source } },
      signal,
    );
    // A failed copy may be reported with status 200.
    if (answer.status !== 200 || errorOf(answer).code !== "") throw this.#failure(`Cannot copy ${from}`, answer);
  }

  /** Removes an object; one that is not there is no error. */
  async remove(key: string, signal: AbortSignal): Promise<void> {
    const answer = await this.#call({ method: "DELETE", key, body: null, headers: {} }, signal);
    if (answer.status >= 300 && answer.status !== 404) throw this.#failure(`Cannot remove ${key}`, answer);
  }

  /** Writes an object where the condition holds, if there is one; returns its version, or null if it does not hold. */
  async put(
    key: string,
    { body, type, condition }: {
      readonly body: Uint8Array;
      readonly type: string;
      readonly condition: Condition | null;
    },
    signal: AbortSignal,
  ): Promise<string | null> {
    const headers: Record<string, string> = condition === null
      ? {}
      : "absent" in condition
      ? { "if-none-match": "*" }
      : { "if-match": condition.etag };
    const answer = await this.#call(
      { method: "PUT", key, body, headers: { ...headers, "content-type": type } },
      signal,
    );
    if (answer.status === 412) return null;
    // An object that is to be replaced has been removed meanwhile.
    if (
      answer.status === 404 && condition !== null && !("absent" in condition) && errorOf(answer).code === "NoSuchKey"
    ) return null;
    if (answer.status !== 200) throw this.#failure(`Cannot write ${key}`, answer);
    return answer.etag ?? "";
  }

  async #call(
    { method, key, query = {}, body, headers }: {
      readonly method: "GET" | "PUT" | "DELETE";
      /** An empty key is the bucket itself. */
      readonly key: string;
      readonly query?: Readonly<Record<string, string>>;
      readonly body: Uint8Array | null;
      readonly headers: Readonly<Record<string, string>>;
    },
    signal: AbortSignal,
  ): Promise<FetchResponse> {
    const { accessKeyId, secretAccessKey, sessionToken, region, caPath } = this.#bucket;
    const digest = createHash("sha256").update(body ?? new Uint8Array()).digest("hex");
    const signed = await new AwsV4Signer({
      method,
      url: this.#address(key, query),
      headers: { ...headers, "x-amz-content-sha256": digest },
      accessKeyId,
      secretAccessKey,
      ...(sessionToken === null ? {} : { sessionToken }),
      service: "s3",
      region,
      datetime: new Date(this.#host.clock.nowMs()).toISOString().replace(/[:-]|\.\d{3}/g, ""),
    }).sign();
    const sent: Record<string, string | Secret> = {};
    for (const [name, value] of signed.headers) {
      if (name !== "host") sent[name] = name === "authorization" ? new Secret("signature", value) : value;
    }
    return await fetchSecured(this.#host, caPath, {
      method,
      url: signed.url.toString(),
      headers: sent,
      body,
      timeoutMs: REQUEST_MS,
      bytesMax: OBJECT_BYTES_MAX,
    }, signal);
  }

  #address(key: string, query: Readonly<Record<string, string>>): string {
    const { url, bucket, style } = this.#bucket;
    const { protocol, host, pathname } = new URL(url);
    const path = key.split("/").map(encodeSegment).join("/");
    const base = pathname.replace(/\/$/, "");
    const search = Object.entries(query).map(([name, value]) => `${name}=${encodeSegment(value)}`).join("&");
    const asked = search === "" ? "" : `?${search}`;
    return style === "virtual"
      ? `${protocol}//${bucket}.${host}${base}/${path}${asked}`
      : `${protocol}//${host}${base}/${bucket}${path === "" ? "" : `/${path}`}${asked}`;
  }

  #failure(what: string, answer: FetchResponse): Failure {
    const { status } = answer;
    const { code, message } = errorOf(answer);
    const said = code === "" ? `status ${status}` : `status ${status}, ${code}: ${message}`;
    // 409: another conditional request is under way.
    const retry = status >= 500 && status !== 501 || [408, 409, 429].includes(status) || code === "RequestTimeout" ||
      code === "SlowDown";
    return new Failure("http_status", `${what} in bucket ${this.#bucket.bucket}: ${said}`, { status, retry });
  }
}

/** Returns code and message of an error document. */
function errorOf({ body }: FetchResponse): { readonly code: string; readonly message: string } {
  const text = new TextDecoder().decode(body.subarray(0, 2000));
  return { code: xmlPart(text, "Code"), message: xmlPart(text, "Message") };
}

const XML_ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** The text of the first element of a name that holds nothing but text; empty if there is none. */
function xmlPart(xml: string, name: string): string {
  const text = new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? "";
  return text.replace(/&(?:#(\d+)|#x([\da-f]+)|(\w+));/gi, (whole, decimal, hex, entity) => {
    if (entity !== undefined) return XML_ENTITIES[entity] ?? whole;
    return String.fromCodePoint(decimal === undefined ? parseInt(hex, 16) : Number(decimal));
  });
}

/**
 * A segment of a key as it stands in an address and is signed: all but the unreserved characters of RFC 3986 is
 * encoded.
 */
function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
