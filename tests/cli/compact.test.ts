import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { runCli } from "../support/captured_cli.ts";
import { envelope, trade } from "../support/envelopes.ts";
import { makeSink } from "../support/made_sink.ts";

Deno.test("compact merges an archive below a data folder and says what it did", async () => {
  const host = denoHost();
  const data = await host.files.makeTempDir("compact");
  try {
    const dir = `${data}/parquet`;
    const sink = makeSink({ type: "parquet", name: "archive", kinds: null, options: { dir } }, host);
    await sink.open(0);
    for (let offset = 0; offset < 5; offset++) {
      // Days that are over, whenever this runs.
      await sink.write([envelope(offset, trade(), { received_ts: 1_700_000_000_000_000 + offset })]);
      await sink.flush();
    }
    await sink.close();
    const first = await runCli(["compact", data, "--json"]);
    assert.equal(first.code, 0);
    const { groups, filesBefore, filesAfter, rows } = JSON.parse(first.out);
    assert.deepEqual([groups, filesBefore, filesAfter, rows], [1, 3, 1, 3]);
    const second = await runCli(["compact", dir]);
    assert.match(second.out, /Nothing to merge/);
    const none = await runCli(["compact", `${data}/none`]);
    assert.notEqual(none.code, 0);
    assert.match(none.err, /there is no such folder/);
  } finally {
    await host.files.removeTree(data);
  }
});
