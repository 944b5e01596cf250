import assert from "node:assert/strict";
import type { ExchangePlan } from "../../src/model/mod.ts";
import { runCli } from "../support/captured_cli.ts";

const SYMBOLS = ["BTC/USDT", "ETH/USDT", "SOL/USDT", "XRP/USDT", "BTC/USDC", "ETH/USDC"];

type Shown = Pick<ExchangePlan, "name" | "enabled" | "elsewhere"> & {
  readonly instruments?: readonly { readonly symbol: string }[];
};

async function planOf(shard: string | null, descriptor: string, symbols = SYMBOLS): Promise<Shown> {
  const file = await Deno.makeTempFile({ suffix: ".toml" });
  try {
    await Deno.writeTextFile(
      file,
      `[run]\nhttp_port = 8090\n${shard === null ? "" : `shard = "${shard}"\n`}[[exchange]]\nname = "one"\n` +
        `descriptor_path = "builtin:${descriptor}"\nsymbols = ${JSON.stringify(symbols)}\nchannels = ["trades"]\n`,
    );
    const { out, err, code } = await runCli(["plan", "--config", file, "--json"]);
    assert.equal(code, 0, err);
    return JSON.parse(out).exchanges[0];
  } finally {
    await Deno.remove(file);
  }
}

const symbolsOf = ({ instruments }: Shown) => (instruments ?? []).map(({ symbol }) => symbol);

Deno.test("the shares of an instance are all of it, and none has what another has", async () => {
  const whole = await planOf(null, "binance");
  assert.deepEqual([symbolsOf(whole), whole.elsewhere], [SYMBOLS, []]);
  const shares = await Promise.all([1, 2, 3].map((index) => planOf(`${index}/3`, "binance")));
  assert.deepEqual(shares.flatMap(symbolsOf).sort(), [...SYMBOLS].sort());
  for (const share of shares) {
    assert.deepEqual([...symbolsOf(share), ...share.elsewhere].sort(), [...SYMBOLS].sort());
    assert.equal(share.enabled, symbolsOf(share).length > 0, "an instance without a symbol of its own does not run");
  }
  const home = (symbol: string) => shares.findIndex((share) => symbolsOf(share).includes(symbol));
  assert.equal(home("BTC/USDT"), home("BTC/USDC"));
});

Deno.test("an exchange whose sockets count all their frames belongs to one share", async () => {
  const symbols = ["BTC/USD", "ETH/USD", "SOL/USD"];
  const shares = await Promise.all([1, 2, 3].map((index) => planOf(`${index}/3`, "coinbase-advanced", symbols)));
  assert.deepEqual(shares.map((share) => symbolsOf(share).length).sort(), [0, 0, 3]);
});

Deno.test("a share that does not exist is refused where it stands", async () => {
  const file = await Deno.makeTempFile({ suffix: ".toml" });
  await Deno.writeTextFile(file, '[run]\nhttp_port = 8090\nshard = "6/5"\n');
  const { out, code } = await runCli(["validate", "--config", file]);
  await Deno.remove(file);
  assert.equal(code, 78);
  assert.match(out, /:3:9: .*a share as INDEX\/COUNT/);
});
