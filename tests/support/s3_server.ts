import { AwsClient } from "aws4fetch";
import { freePort, isThere, SERVERS_DIR, TestServer } from "./server_process.ts";

const WEED = `${SERVERS_DIR}/seaweed/bin/weed`;
const [KEY, SECRET] = ["collector", "s3-secret-key"];

/** Why there is no server to test against; null where there is one. */
export const S3_ABSENT = isThere(WEED) ? null : "no SeaweedFS is installed";

/** SeaweedFS with its S3 interface and an empty bucket `market`. */
export class S3Server extends TestServer {
  readonly port: number;
  readonly #client = new AwsClient({ accessKeyId: KEY, secretAccessKey: SECRET, service: "s3", region: "us-east-1" });

  private constructor(dir: string, port: number) {
    const ports = ["master", "volume", "filer"].flatMap((
      part,
    ) => [`-${part}.port=${freePort()}`, `-${part}.port.grpc=${freePort()}`]);
    super(dir, {
      command: WEED,
      args: ["server", `-dir=${dir}`, "-ip=127.0.0.1", "-ip.bind=127.0.0.1", ...ports, "-master.volumeSizeLimitMB=64"]
        .concat(["-volume.max=20", "-filer", "-s3", `-s3.port=${port}`, `-s3.port.grpc=${freePort()}`])
        // Two servers would meet on the ports that these have else.
        .concat(["-s3.port.iceberg=0", "-s3.port.lance=0", `-s3.config=${dir}/s3.json`]),
      cwd: dir,
      // Its sockets lie in the folder for temporary files, and stay there when it is killed.
      env: { TMPDIR: dir },
    });
    this.port = port;
  }

  static async start(): Promise<S3Server> {
    const dir = await Deno.makeTempDir({ prefix: "seaweed" });
    const identity = { name: "c", credentials: [{ accessKey: KEY, secretKey: SECRET }], actions: ["Admin"] };
    await Deno.writeTextFile(`${dir}/s3.json`, JSON.stringify({ identities: [identity] }));
    const server = new S3Server(dir, freePort());
    await server.start();
    return server;
  }

  keys(): Readonly<Record<string, unknown>> {
    return {
      url: `http://127.0.0.1:${this.port}`,
      bucket: "market",
      access_key_id: KEY,
      secret_access_key: SECRET,
    };
  }

  protected async answers(): Promise<void> {
    // Buckets can be made before objects can be written.
    for (const [path, body] of [["ready", null], ["ready/object", "content"], ["market", null]] as const) {
      const answer = await this.#fetch(path, "PUT", body);
      await answer.body?.cancel();
      if (!answer.ok && answer.status !== 409) throw new Error(`status ${answer.status}`);
    }
  }

  /** Keys of objects below a prefix, sorted. */
  async list(prefix: string): Promise<readonly string[]> {
    const keys: string[] = [];
    for (let token = "";;) {
      const from = token === "" ? "" : `&continuation-token=${encodeURIComponent(token)}`;
      const query = `list-type=2&max-keys=1000&prefix=${encodeURIComponent(prefix)}${from}`;
      const text = await (await this.#fetch(`market?${query}`, "GET")).text();
      for (const [, key] of text.matchAll(/<Key>([^<]*)<\/Key>/g)) keys.push(key.replaceAll("&amp;", "&"));
      token = /<NextContinuationToken>([^<]*)</.exec(text)?.[1] ?? "";
      if (token === "") return keys.sort();
    }
  }

  async read(key: string): Promise<Uint8Array> {
    return await (await this.#fetch(pathOf(key), "GET")).bytes();
  }

  async write(key: string, text: string): Promise<void> {
    await (await this.#fetch(pathOf(key), "PUT", text)).body?.cancel();
  }

  async remove(key: string): Promise<void> {
    await (await this.#fetch(pathOf(key), "DELETE")).body?.cancel();
  }

  async #fetch(path: string, method: string, body: string | null = null): Promise<Response> {
    const request = await this.#client.sign(`http://127.0.0.1:${this.port}/${path}`, { method, body });
    return await fetch(request, { signal: AbortSignal.timeout(120_000) });
  }
}

function pathOf(key: string): string {
  return `market/${key.split("/").map(encodeURIComponent).join("/")}`;
}
