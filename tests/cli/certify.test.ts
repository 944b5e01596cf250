import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { runCli } from "../support/captured_cli.ts";
import { envelope, trade } from "../support/envelopes.ts";
import { makeSink } from "../support/made_sink.ts";

const { files } = denoHost();
const START = 1_700_000_000_000_000;
const DAY = 86_400_000_000;

/** Runs a test beside the archive of a data folder with two days of trades and a gap. */
async function withArchive(body: (data: string) => Promise<void>): Promise<void> {
  const host = denoHost();
  const data = await files.makeTempDir("certify");
  try {
    const options = { dir: `${data}/parquet` };
    const sink = makeSink({ type: "parquet", name: "archive", kinds: null, options }, host);
    await sink.open(0);
    for (let offset = 0; offset < 40; offset++) {
      const received_ts = START + offset * (DAY / 40);
      const told = {
        ...{ kind: "gap", gap_id: "20-0", state: "closed", stream: "trades", cause: "disconnect" } as const,
        ...{ from_ts: received_ts - DAY / 40, to_ts: received_ts, from_sequence: null, to_sequence: null },
        ...{ detail: "", action: "reconnected" },
      };
      await sink.write([envelope(offset, offset === 20 ? told : trade(), { received_ts })]);
      if (offset % 10 === 9) await sink.flush();
    }
    await sink.close();
    await body(data);
  } finally {
    await files.removeTree(data);
  }
}

async function openssl(...args: readonly string[]): Promise<boolean> {
  try {
    return (await new Deno.Command("openssl", { args: [...args], stdout: "null", stderr: "null" }).output()).success;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.test("certify writes certificates, --check finds them kept, and exits 1 with the file that was changed", async () => {
  await withArchive(async (data) => {
    const none = await runCli(["certify", "--check", data]);
    assert.equal(none.code, 1);
    assert.match(none.err, /has no certificates/);
    const written = await runCli(["certify", data]);
    assert.equal(written.code, 0, written.err);
    assert.match(written.out, /2 certificates of 2 days written/);
    const kept = await runCli(["certify", "--check", `${data}/parquet`]);
    assert.deepEqual([kept.code, kept.err], [0, ""]);
    assert.match(kept.out, /2 certificates \(0 signed\), 6 files, 0 journal segments compared: all as certified/);
    const { files: [{ path }] } = JSON.parse(
      await files.readText(`${data}/parquet/_certificates/alpha/2023-11-14.json`) ?? "",
    );
    const bytes = await files.readBytes(`${data}/parquet/${path}`) ?? new Uint8Array();
    bytes[10] ^= 1;
    await files.writeAtomic(`${data}/parquet/${path}`, bytes);
    const changed = await runCli(["certify", "--check", data, "--json"]);
    assert.equal(changed.code, 1);
    const [{ differences }] = JSON.parse(changed.out);
    assert.ok(differences[0].startsWith(`${path}: its SHA-256 is`), differences[0]);
  });
});

Deno.test("certify --key signs as openssl knows keys, and --check --public-key wants that key", async () => {
  await withArchive(async (data) => {
    const key = `${data}/key.pem`;
    if (!await openssl("genpkey", "-algorithm", "ed25519", "-out", key)) return;
    assert.ok(await openssl("pkey", "-in", key, "-pubout", "-out", `${data}/public.pem`));
    assert.equal((await runCli(["certify", data, "--key", key])).code, 0);
    const fine = await runCli(["certify", "--check", data, "--public-key", `${data}/public.pem`]);
    assert.equal(fine.code, 0, fine.err);
    assert.match(fine.out, /\(2 signed\)/);
    const wrong = await runCli(["certify", data, "--key", `${data}/public.pem`]);
    assert.equal(wrong.code, 1);
    assert.match(wrong.err, /holds no Ed25519 private key in PEM; make one with: openssl/);
    const merged = await runCli(["compact", data]);
    assert.match(merged.err, /give --key/, "what was signed is not renewed without the key");
    assert.equal((await runCli(["certify", "--check", data])).code, 1);
    await runCli(["certify", data, "--key", key]);
    assert.equal((await runCli(["certify", "--check", data, "--public-key", `${data}/public.pem`])).code, 0);
  });
});

Deno.test("compact renews the certificates of the days whose files it merged", async () => {
  await withArchive(async (data) => {
    await runCli(["certify", data]);
    const { out, code } = await runCli(["compact", data]);
    assert.equal(code, 0);
    assert.match(out, /Merged/);
    const checked = await runCli(["certify", "--check", data]);
    assert.equal(checked.code, 0, checked.err);
  });
});

Deno.test("coverage draws days and streams, says less than all where something is missing, and writes SVG", async () => {
  await withArchive(async (data) => {
    const before = await runCli(["coverage", data]);
    assert.equal(before.code, 1);
    assert.match(before.err, /no certificate has such a stream and day/);
    await runCli(["certify", data]);
    const { out, code } = await runCli(["coverage", data]);
    assert.equal(code, 0);
    assert.match(out, /2023-11-14 to 2023-11-15\nalpha trades BTC\/USDT +[▁▂▃][▆▇] +\d+\.\d\d %/);
    const chart = JSON.parse((await runCli(["coverage", data, "--json", "--channel", "trades"])).out);
    assert.deepEqual(chart.days, ["2023-11-14", "2023-11-15"]);
    const svg = `${data}/coverage.svg`;
    assert.equal((await runCli(["coverage", data, "--svg", svg, "--by", "channel"])).code, 0);
    const text = await files.readText(svg) ?? "";
    assert.match(text, /^<svg xmlns/);
    assert.equal(text.match(/<rect/g)?.length, 1 + chart.days.length);
    assert.equal((await runCli(["coverage", data, "--from", "yesterday"])).code, 64);
  });
});
