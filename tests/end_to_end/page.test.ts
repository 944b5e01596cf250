import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import type { GroupMemberStatus, GroupStatus } from "../../src/model/mod.ts";
import { startSimulator } from "../../src/simulator/mod.ts";
import { startApi } from "../support/api_rig.ts";
import { certificateText } from "../support/certificate_text.ts";
import { Browser, NO_BROWSER } from "../support/chromium.ts";
import { instanceOf, ServiceRig } from "../support/service_rig.ts";
import { snapshot } from "../telemetry/builders.ts";

/** Where screenshots are kept; none are made where it is not given. */
const SCREENSHOTS = Deno.env.get("PAGE_SCREENSHOTS");

/** Widths of a desk and of a phone, and the colours that their users prefer. */
const LOOKS = [[1280, "light"], [390, "dark"]] as const;
const SYMBOLS = ["BTC/USDT", "ETH/USDT"];

const simulate = (port: number) =>
  startSimulator({ host: denoHost(), dialect: "okx", port, rate: 30, symbols: SYMBOLS, limitsConnections: false });

function browserTest(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: NO_BROWSER === null ? name : `${name} (ignored: ${NO_BROWSER})`,
    ignore: NO_BROWSER !== null,
    fn,
  });
}

/** Nothing is wider than the window, and whatever is used or looked at has a name. */
async function checkLook(browser: Browser, [width, colors]: typeof LOOKS[number]): Promise<void> {
  await browser.look(width, colors);
  const wide = Number(await browser.value("document.documentElement.scrollWidth"));
  assert.ok(wide <= width, `the page is ${wide} wide at ${width}`);
  const unnamed = `[...document.querySelectorAll("input,select,button,svg[role=img],progress,[role=region]")]
    .filter((each) => !each.labels?.length && !each.getAttribute("aria-label") && !each.textContent.trim()).length`;
  assert.equal(await browser.value(unnamed), 0, "controls and pictures without a name");
}

browserTest("the page shows states in words, a fault that comes and goes, and a refused configuration", async () => {
  const first = await simulate(0);
  const config = instanceOf(first, { symbols: SYMBOLS, channels: ["trades", "book", "quotes"] });
  await using rig = await ServiceRig.start({ config });
  await using browser = await Browser.start();
  await browser.look(1280, "light");
  await browser.open(`${rig.address}/`);
  await browser.untilShown("#whole", "everything is well");
  await browser.untilShown('[data-exchange="okx"]', "2 valid");
  await browser.untilShown("#stream-count", "6 of 6");
  await browser.untilShown("#sink-rows", "lines (ndjson)delivering");
  await browser.untilShown("#log-lines", "Configuration loaded");
  await browser.untilShown("#gap-rows", "No gap since the start");
  await browser.untilShown("#coverage-note", "No certificate of the last 7 days");
  assert.equal(await browser.value(`document.getElementById("group").hidden`), true, "there is no group");
  await browser.value(`document.getElementById("books").scrollIntoView()`);
  await browser.untilShown("#book-state", "bids and");
  assert.equal(await browser.value(`document.querySelectorAll("#ladder-rows tr").length`), 10);
  // By keyboard alone: the first stop leads past the navigation, and the filter takes what is typed.
  await browser.press("Tab");
  await browser.value(`document.querySelector(".skip").focus()`);
  await browser.press("Enter");
  await browser.value(`document.getElementById("stream-filter").focus()`);
  await browser.type("eth");
  await browser.untilShown("#stream-count", "3 of 6");
  await browser.value(
    `(() => { const filter = document.getElementById("stream-filter"); filter.value = ""; filter.dispatchEvent(new Event("input")); })()`,
  );
  for (const [daysAgo, hours] of [[1, 24], [3, 18]]) {
    const date = new Date(Date.now() - daysAgo * 86_400_000).toISOString().slice(0, 10);
    const dir = `${rig.dir}/data/ndjson/_certificates/okx`;
    await Deno.mkdir(dir, { recursive: true });
    await Deno.writeTextFile(`${dir}/${date}.json`, certificateText({ exchange: "okx", date, hours, gaps: 1 }));
  }
  await browser.open(`${rig.address}/`);
  await browser.untilShown("#coverage-rows", "okx trades");
  const row = String(await browser.value(`document.querySelector("#coverage-rows tr").textContent`));
  assert.match(row, /^okx trades 1 stream.*no certificate.*75\.0 % 1 gap.*no certificate.*100 % 1 gap/);
  await browser.untilShown("#stream-count", "6 of 6");
  // The ladder is asked for while it is in sight.
  await browser.value(`document.getElementById("books").scrollIntoView()`);
  await browser.untilShown("#book-state", "bids and");
  for (const look of LOOKS) await checkLook(browser, look);
  // The exchange goes away and comes back at its address.
  await first.stop();
  await browser.untilShown("#whole", "something is missing");
  await browser.untilShown("#problem-list", "Connection public is");
  await browser.untilShown("#gap-rows", "still open");
  const second = await simulate(first.port);
  await using _end = { [Symbol.asyncDispose]: () => second.stop() };
  await browser.untilShown("#whole", "everything is well");
  await browser.untilShown("#gap-rows", "over, not filled");
  await rig.reload(`${config}\n[[exchange]]\nname = 1\n`);
  await browser.untilShown("#problem-list", "The file on disk was refused");
  await rig.reload(config);
  await browser.untilShown("#problem-list", "None.");
  for (const [width, colors] of SCREENSHOTS === undefined ? [] : LOOKS) {
    await browser.look(width, colors);
    await browser.untilShown("#whole", "well");
    await browser.screenshot(`${SCREENSHOTS}/page-${width}.webp`);
  }
  assert.deepEqual(browser.complaints, []);
  await rig.stop();
  await browser.untilShown("#link", "has not answered since");
});

browserTest("the page of a broken configuration says what is wrong", async () => {
  await using rig = await ServiceRig.start({ config: "no_such_key = 1\n" });
  await using browser = await Browser.start();
  await browser.open(`${rig.address}/`);
  await browser.untilShown("#whole", "nothing is collected");
  await browser.untilShown("#problem-list", "no_such_key");
  await browser.untilShown("#journal", "There is no journal");
  assert.deepEqual(browser.complaints, []);
});

browserTest("the page of a member shows the group, who collects what of it, and days of several sinks", async () => {
  const now = Date.now() * 1000;
  const member = { state: "active", heardTs: now, live: [0, 1, 2, 5], starting: [] } as const;
  let members: readonly GroupMemberStatus[] = [
    { ...member, name: "eu-1" },
    { ...member, name: "eu-2", live: [], starting: [3] },
  ];
  const group = (): GroupStatus => ({
    ...{ name: "market", engine: "nats", member: "eu-1", ttlMs: 10_000, shares: 8, replicas: 2, held: [0, 1, 2, 5] },
    ...{ away: null, nameTakenSince: null, error: null, members, uncovered: [4, 6, 7] },
  });
  const coverage = (days: readonly string[]) => {
    const row = (sink: string, share: number) => ({
      ...{ sink, exchange: "okx", channel: "trades", symbol: "BTC/USDT" } as const,
      days: days.map((_, at) => at < 2 ? null : { share, gaps: share < 1 ? 2 : 0, isSettled: true }),
    });
    return Promise.resolve({ days, rows: [row("lines", 1), row("rows", 0.99999)], unreadable: ["cannot read one"] });
  };
  await using rig = await startApi({ current: () => snapshot({ now, group: group() }), facts: { coverage } });
  await using browser = await Browser.start();
  await browser.look(1280, "light");
  await browser.open(`${rig.base}/`);
  await browser.untilShown("#group-about", "This collector is eu-1 of the group market");
  await browser.untilShown("#group-about", "Collected by nobody: shares 4, 6–7.");
  const text = String(await browser.value(`document.getElementById("group-rows").textContent`));
  assert.match(text, /^eu-1 \(this one\)active4 \(0–2, 5\)none.*eu-2activenone1 \(3\)/);
  await browser.untilShown("#coverage-rows", "in rows");
  await browser.untilShown("#coverage-rows", "99.9 % 2 gaps");
  await browser.untilShown("#coverage-note", "Not readable: cannot read one.");
  for (const look of LOOKS) {
    await checkLook(browser, look);
    if (SCREENSHOTS !== undefined) await browser.screenshot(`${SCREENSHOTS}/group-${look[0]}.webp`);
  }
  members = [members[0], { ...members[1], state: "gone", starting: [] }];
  await browser.untilShown("#group-rows", "not heard of any more");
  assert.deepEqual(browser.complaints, []);
});
