import assert from "node:assert/strict";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import { denoHost } from "../../src/host/mod.ts";
import { compressFile, HftbacktestFiles } from "../../src/lake/mod.ts";
import { EventBatch } from "../../src/model/mod.ts";
import { DAY_START, envelope, trade } from "../support/envelopes.ts";
import { isThere, SERVERS_DIR } from "../support/server_process.ts";

const PYTHON = `${SERVERS_DIR}/readers/bin/python`;
const NO_READERS = isThere(PYTHON) ? "" : " (ignored: no hftbacktest, .ci/servers readers installs it)";

const READ = `import json, sys, numpy as np
from hftbacktest.types import event_dtype
from hftbacktest.data import validate_event_order
data = np.load(sys.argv[1])
assert data.dtype == event_dtype, data.dtype
validate_event_order(data)
print(json.dumps([[int(r["ev"]), int(r["exch_ts"]), int(r["local_ts"]), float(r["px"]), float(r["qty"])] for r in data]))
`;

Deno.test({
  name: `hftbacktestFiles writes what hftbacktest reads, in the order that it wants${NO_READERS}`,
  ignore: NO_READERS !== "",
  fn: async () => {
    const { files } = denoHost();
    const dir = await files.makeTempDir("export");
    try {
      const batch = new EventBatch();
      const snapshot = {
        kind: "book_snapshot",
        bids: [["10", "1"], ["9", "2"]],
        asks: [["11", "3"]],
        sequence: null,
      } as const;
      const none = { first_sequence: null, last_sequence: null, previous_sequence: null };
      const delta = { kind: "book_delta", bids: [["9", "0"]], asks: [], ...none } as const;
      const events = [
        envelope(1, snapshot, { exchange_ts: null }),
        envelope(2, trade("10.5"), { exchange_ts: DAY_START + 900, received_ts: DAY_START + 1000 }),
        envelope(3, delta, { exchange_ts: DAY_START + 800, received_ts: DAY_START + 1001 }),
        envelope(4, trade("7"), { symbol: "ETH/USDT" }),
      ];
      for (const each of events) batch.append(each, each.event);
      const out = new HftbacktestFiles(files, dir);
      await out.write(batch);
      assert.equal(await out.finish(), 2);
      const names = (await files.list(dir) ?? []).map(({ name }) => name);
      assert.deepEqual(names, ["alpha_BTC-USDT_2026-11-22.npy", "alpha_ETH-USDT_2026-11-22.npy"]);
      const { success, stdout, stderr } = await new Deno.Command(PYTHON, { args: ["-c", READ, `${dir}/${names[0]}`] })
        .output();
      assert.ok(success, new TextDecoder().decode(stderr));
      const text = new TextDecoder().decode(stdout).trim().split("\n").at(-1) ?? "";
      const [both, buy, sell] = [2 ** 31 + 2 ** 30, 2 ** 29, 2 ** 28];
      const first = (DAY_START + 251) * 1000;
      assert.deepEqual(JSON.parse(text).map(([ev, , , ...rest]: number[]) => [ev, ...rest]), [
        [both + buy + 3, 9, 0],
        [both + buy + 4, 10, 1],
        [both + buy + 4, 9, 2],
        [both + sell + 3, 11, 0],
        [both + sell + 4, 11, 3],
        [both + buy + 2, 10.5, 0.001],
        [both + buy + 1, 9, 0],
      ]);
      const times = JSON.parse(text).map(([, exchange, local]: number[]) => [exchange - first, local - first]);
      assert.ok(times.every(([exchange, local]: number[]) => exchange <= local), String(times));
    } finally {
      await files.removeTree(dir);
    }
  },
});

Deno.test("compressFile keeps every line over the borders of its blocks", async () => {
  const { files } = denoHost();
  const dir = await files.makeTempDir("export");
  try {
    const text = Array.from({ length: 200_000 }, (_, at) => `${at},ünï,${"x".repeat(at % 50)},eu\n`).join("");
    await files.writeAtomic(`${dir}/a.csv`, new TextEncoder().encode(text));
    await compressFile(files, `${dir}/a.csv`, { path: `${dir}/a.gz`, codec: "gzip" });
    await compressFile(files, `${dir}/a.csv`, {
      path: `${dir}/a.zst`,
      codec: "zstd",
      change: (lines) => lines.replace(/,eu$/gm, ""),
    });
    const read = async (name: string) => await files.readBytes(`${dir}/${name}`) ?? new Uint8Array();
    assert.equal(gunzipSync(await read("a.gz")).toString(), text);
    assert.equal(zstdDecompressSync(await read("a.zst")).toString(), text.replaceAll(",eu\n", "\n"));
  } finally {
    await files.removeTree(dir);
  }
});
