import assert from "node:assert/strict";
import { CertifiedDays } from "../../src/certificate/mod.ts";
import { denoHost } from "../../src/host/mod.ts";
import { COVERAGE_CERTIFICATE_BYTES_MAX } from "../../src/model/mod.ts";
import { certificateText } from "../support/certificate_text.ts";

const DAYS = ["2026-11-21", "2026-11-22"];

Deno.test("CertifiedDays tells what certificates say of days, what is not readable, and what has changed", async () => {
  const { files } = denoHost();
  const dir = await files.makeTempDir("certified-days");
  try {
    const days = new CertifiedDays(files);
    const read = () => days.read([{ sink: "lines", dir: `${dir}/a` }, { sink: "rows", dir: `${dir}/b` }], DAYS);
    assert.deepEqual(await read(), { days: DAYS, rows: [], unreadable: [] }, "folders that are not there yet");
    const write = async (path: string, text: string) => {
      await Deno.mkdir(`${dir}/${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
      await Deno.writeTextFile(`${dir}/${path}`, text);
    };
    const text = (hours: number, date = DAYS[1]) => certificateText({ exchange: "okx", date, hours, gaps: 1 });
    await write(`a/_certificates/okx/${DAYS[1]}.json`, text(6));
    await write(`a/_certificates/okx/2026-11-20.json`, text(24, "2026-11-20"));
    await write(`b/_certificates/okx/${DAYS[0]}.json`, text(24, DAYS[0]));
    const row = { exchange: "okx", channel: "trades", symbol: "BTC/USDT" };
    const first = await read();
    assert.deepEqual(first, {
      days: DAYS,
      rows: [
        { ...row, sink: "lines", days: [null, { share: 0.25, gaps: 1, isSettled: false }] },
        { ...row, sink: "rows", days: [{ share: 1, gaps: 1, isSettled: false }, null] },
      ],
      unreadable: [],
    });
    assert.deepEqual(await read(), first);
    // One is renewed, one is damaged, one is too large to be read beside the collector's work.
    await write(`a/_certificates/okx/${DAYS[1]}.json`, text(18).padEnd(text(6).length + 100));
    await write(`b/_certificates/okx/${DAYS[0]}.json`, "{");
    await write(`b/_certificates/okx/${DAYS[1]}.json`, text(1).padEnd(COVERAGE_CERTIFICATE_BYTES_MAX + 1));
    const { rows, unreadable } = await read();
    assert.deepEqual(rows, [{ ...row, sink: "lines", days: [null, { share: 0.75, gaps: 1, isSettled: false }] }]);
    assert.equal(unreadable.length, 2);
    assert.match(unreadable[0], /2026-11-21\.json: it is not JSON/);
    assert.match(unreadable[1], /2026-11-22\.json has \d+ bytes/);
    await Deno.remove(`${dir}/a/_certificates/okx/${DAYS[1]}.json`);
    assert.deepEqual((await read()).rows, []);
  } finally {
    await files.removeTree(dir);
  }
});
