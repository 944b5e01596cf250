import assert from "node:assert/strict";
import { denoHost } from "../../src/host/mod.ts";
import { startSimulator } from "../../src/simulator/mod.ts";
import { Browser, NO_BROWSER } from "../support/chromium.ts";
import { instanceOf, ServiceRig } from "../support/service_rig.ts";

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
  await browser.untilShown("#gap-rows", "None since the start");
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
  for (const [width, colors] of LOOKS) {
    await browser.look(width, colors);
    const wide = Number(await browser.value("document.documentElement.scrollWidth"));
    assert.ok(wide <= width, `the page is ${wide} wide at ${width}`);
    const unnamed = `[...document.querySelectorAll("input,select,button,svg[role=img],progress")]
      .filter((each) => !each.labels?.length && !each.getAttribute("aria-label") && !each.textContent.trim()).length`;
    assert.equal(await browser.value(unnamed), 0, "controls and pictures without a name");
  }
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
