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
  /** `path`: the bucket stands in the path; `virtual`: before the host name. */
  readonly style: "path" | "virtual";
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | null;
  readonly caPath: string | null;
}

/** An object with what names this version of it. */
export interface StoredObject {
  readonly bytes: Uint8Array;
  readonly etag: string;
}

/** When an object may be written: where none is there, or where it is still the version that was read. */
export type Condition = { readonly absent: true } | { readonly etag: string };

/** How long one request may take, in ms: a server that hangs says nothing. */
const REQUEST_MS = 60_000;
const OBJECT_BYTES_MAX = 1024 * 1024 * 1024;

/** Objects of one bucket by the S3 protocol, each request signed by version 4 with the digest of its body. */
export class ObjectStore {
  readonly #bucket: Bucket;
  readonly #host: Host;

  constructor(bucket: Bucket, host: Host) {
    this.#bucket = bucket;
    this.#host = host;
  }

  /** Returns an object; null where there is none. */
  async get(key: string, signal: AbortSignal): Promise<StoredObject | null> {
    const answer = await this.#call({ method: "GET", key, body: null, headers: {} }, signal);
    if (answer.status === 404 && errorOf(answer).code !== "NoSuchBucket") return null;
    if (answer.status !== 200) throw this.#failure(`Cannot read ${key}`, answer);
    return { bytes: answer.body, etag: answer.etag ?? "" };
  }

  /** Writes an object where the condition holds; returns its version, or null where it does not hold. */
  async put(
    key: string,
    { body, type, condition }: { readonly body: Uint8Array; readonly type: string; readonly condition: Condition },
    signal: AbortSignal,
  ): Promise<string | null> {
    const headers: Record<string, string> = "absent" in condition
      ? { "if-none-match": "*" }
      : { "if-match": condition.etag };
    const answer = await this.#call(
      { method: "PUT", key, body, headers: { ...headers, "content-type": type } },
      signal,
    );
    if (answer.status === 412) return null;
    // An object that is to be replaced has been removed meanwhile.
    if (answer.status === 404 && !("absent" in condition) && errorOf(answer).code === "NoSuchKey") return null;
    if (answer.status !== 200) throw this.#failure(`Cannot write ${key}`, answer);
    return answer.etag ?? "";
  }

  async #call(
    { method, key, body, headers }: {
      readonly method: "GET" | "PUT";
      readonly key: string;
      readonly body: Uint8Array | null;
      readonly headers: Readonly<Record<string, string>>;
    },
    signal: AbortSignal,
  ): Promise<FetchResponse> {
    const { accessKeyId, secretAccessKey, sessionToken, region, caPath } = this.#bucket;
    const digest = createHash("sha256").update(body ?? new Uint8Array()).digest("hex");
    const signed = await new AwsV4Signer({
      method,
      url: this.#address(key),
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

  #address(key: string): string {
    const { url, bucket, style } = this.#bucket;
    const { protocol, host, pathname } = new URL(url);
    const path = key.split("/").map(encodeSegment).join("/");
    const base = pathname.replace(/\/$/, "");
    return style === "virtual"
      ? `${protocol}//${bucket}.${host}${base}/${path}`
      : `${protocol}//${host}${base}/${bucket}/${path}`;
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

/** Code and message of an error's document. */
function errorOf({ body }: FetchResponse): { readonly code: string; readonly message: string } {
  const text = new TextDecoder().decode(body.subarray(0, 2000));
  const part = (name: string) => new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1] ?? "";
  return { code: part("Code"), message: part("Message") };
}

/** A segment of a key as it stands in an address and is signed: all but the unreserved characters of RFC 3986 is encoded. */
function encodeSegment(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
