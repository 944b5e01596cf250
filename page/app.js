/**
 * The page of a collector. It follows /api/v1/overview/events, shows what comes, and asks for one book while that is in
 * sight. Everything is text and elements: nothing from the collector is ever read as HTML.
 */

const STREAMS_SHOWN_MAX = 100;
const LADDER_LEVELS = 10;
const RETRY_MS_MAX = 10_000;
const COVERAGE_DAYS = 7;
const COVERAGE_ROWS_MAX = 200;
const COVERAGE_EVERY_MS = 60_000;

/** States in the words and tone in which they are shown. */
const WORDS = {
  ok: ["everything is well", "good"],
  degraded: ["something is missing", "warn"],
  error: ["nothing is collected", "bad"],
  live: ["live", "good"],
  valid: ["valid", "good"],
  delivering: ["delivering", "good"],
  quiet: ["subscribed, quiet", "good"],
  acked: ["subscribed, no data yet", "calm"],
  pending: ["asked for", "calm"],
  starting: ["starting", "calm"],
  connecting: ["connecting", "calm"],
  welcoming: ["connected, greeting", "calm"],
  subscribing: ["subscribing", "calm"],
  disabled: ["disabled", "calm"],
  stopped: ["stopped", "calm"],
  closed: ["closed", "calm"],
  closing: ["closing", "calm"],
  empty: ["waiting for a snapshot", "calm"],
  buffering: ["waiting for a snapshot", "calm"],
  catching_up: ["catching up", "warn"],
  paused: ["not read: the disk or a sink is behind", "warn"],
  waiting: ["waiting to connect again", "warn"],
  stale: ["silent", "warn"],
  broken: ["broken, waits for a snapshot", "bad"],
  rejected: ["rejected by the exchange", "bad"],
  down: ["not connected", "bad"],
  invalid: ["configuration wrong", "bad"],
  failing: ["failing, tries again", "bad"],
  blocked: ["needs a person", "bad"],
  faulted: ["ended by a bug", "bad"],
  active: ["active", "good"],
  leaving: ["leaving", "calm"],
  left: ["has left", "calm"],
  gone: ["not heard of any more", "bad"],
  other_layout: ["divides the streams in another way", "bad"],
};

const at = (id) => document.getElementById(id);

/** An element with properties, attributes that begin with a small letter, and children. */
function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function draw(name, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

function badge(state) {
  const [words, tone] = WORDS[state] ?? [state, "calm"];
  return make("span", { class: "badge", "data-state": state, "data-tone": tone }, words);
}

/** Replaces what an element holds, where that is something else than before: what stands is not touched. */
const shown = new WeakMap();
function show(element, key, children) {
  const text = JSON.stringify(key);
  if (shown.get(element) === text) return;
  shown.set(element, text);
  element.replaceChildren(...children());
}

function age(ms) {
  if (ms === null) return "never";
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return duration(ms / 1000);
}

function duration(seconds) {
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86_400).toFixed(1)} d`;
}

function count(number) {
  return new Intl.NumberFormat("en").format(Math.round(number));
}

function bytes(number) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; number >= 1024 && unit < units.length - 1; unit++) number /= 1024;
  return `${number.toFixed(unit === 0 ? 0 : 1)} ${units[unit]}`;
}

function clock(iso) {
  return iso === null ? "not known" : iso.slice(0, 19).replace("T", " ");
}

function showWhole(overview) {
  show(at("whole"), overview.status, () => [badge(overview.status)]);
  at("about").textContent = `version ${overview.version}, up for ${duration(overview.uptime_s)}`;
  document.title = `${overview.problems.length > 0 ? `(${overview.problems.length}) ` : ""}crypto-collector`;
}

function showProblems({ problems, config }) {
  show(at("problem-list"), [problems, config], () => {
    const items = problems.map(({ scope, name, code, text, since }) =>
      make(
        "li",
        {},
        make("strong", {}, `${name === "" ? scope : `${scope} ${name}`}: ${code.replaceAll("_", " ")}. `),
        text,
        since === null ? "" : make("span", { class: "faint" }, ` Since ${clock(since)} UTC.`),
      )
    );
    if (config.needs_restart.length > 0) {
      items.push(make("li", {}, make("strong", {}, "Needs a restart: "), config.needs_restart.join(", ")));
    }
    return items.length === 0 ? [make("p", {}, "None.")] : [make("ul", { class: "problems" }, ...items)];
  });
}

function sparkline(numbers, label) {
  const whole = numbers.slice(0, -1);
  const top = Math.max(1, ...whole);
  const points = whole.map((number, x) => `${x},${(30 - (number / top) * 28).toFixed(1)}`).join(" ");
  const line = draw("polyline", { points });
  const attributes = {
    class: "spark",
    viewBox: `0 0 ${whole.length - 1} 31`,
    preserveAspectRatio: "none",
    role: "img",
  };
  return draw("svg", { ...attributes, "aria-label": label }, line);
}

function term(name, ...values) {
  return [make("dt", {}, name), make("dd", {}, ...values)];
}

function connectionText({ key, last_message_age_ms, reconnects, streams, detail }) {
  const not = Object.entries(streams).filter(([state, number]) => number > 0 && state !== "live");
  const others = not.map(([state, number]) => `, ${number} ${WORDS[state]?.[0] ?? state}`).join("");
  const heard = last_message_age_ms === null ? "nothing received" : `last message ${age(last_message_age_ms)} ago`;
  return ` ${key}: ${streams.live} live${others}; ${heard}; ${reconnects} reconnects${
    detail === null ? "" : `; ${detail}`
  }`;
}

function showExchanges({ exchanges, bucket_s }) {
  show(
    at("exchange-list"),
    exchanges,
    () =>
      exchanges.length === 0 ? [make("p", {}, "No exchange is configured.")] : exchanges.map((exchange) => {
        const rate = (numbers) => numbers.at(-2) / bucket_s;
        const { valid, waiting, broken } = exchange.books;
        const minutes = Math.round((exchange.frames.length * bucket_s) / 60);
        return make(
          "article",
          { class: "card", "data-exchange": exchange.name },
          make("div", { class: "head" }, make("h3", {}, exchange.name), badge(exchange.state)),
          ...exchange.errors.map((text) => make("p", {}, text)),
          ...exchange.error === null ? [] : [make("p", {}, exchange.error)],
          make(
            "dl",
            {},
            ...exchange.connections.flatMap((connection) =>
              term("Connection", badge(connection.state), connectionText(connection))
            ),
            ...term("Rate", `${count(rate(exchange.frames))} messages/s, ${count(rate(exchange.events))} events/s`),
            ...term(
              "Lag",
              exchange.lag_ms === null ? "not known" : `${count(exchange.lag_ms)} ms behind the exchange's clock`,
            ),
            ...valid + waiting + broken === 0
              ? []
              : term("Books", `${valid} valid, ${waiting} waiting for a snapshot, ${broken} broken`),
          ),
          sparkline(exchange.frames, `Messages of the last ${minutes} minutes`),
        );
      }),
  );
}

let streams = [];

function showStreams() {
  const wanted = at("stream-filter").value.toLowerCase();
  const found = streams.filter((stream) =>
    wanted === "" || `${stream.slice(0, 5).join(" ")} ${WORDS[stream[4]]?.[0]}`.toLowerCase().includes(wanted)
  );
  const good = ({ 4: state, 6: missing }) => (state === "live" || state === "quiet") && missing === null;
  // Streams with a problem come first, then those that have been silent for longest.
  found.sort((a, b) => Number(good(a)) - Number(good(b)) || (b[5] ?? Infinity) - (a[5] ?? Infinity));
  const part = found.slice(0, STREAMS_SHOWN_MAX);
  const rest = found.length > part.length ? `, the first ${part.length} shown` : "";
  at("stream-count").textContent = `${count(found.length)} of ${count(streams.length)}${rest}`;
  show(at("stream-rows"), part, () =>
    part.map(([exchange, , channel, symbol, state, silent, missing]) =>
      make(
        "tr",
        {},
        make("td", {}, exchange),
        make("td", {}, channel),
        make("td", {}, symbol),
        make("td", {}, badge(state), missing === null ? "" : ` data missing for ${age(missing)}`),
        make("td", { class: "number" }, silent === null ? "never" : `${age(silent)} ago`),
      )
    ));
}

function showGaps({ gaps, at: now }) {
  const hour = 3_600_000;
  const end = Date.parse(now);
  show(at("gap-line"), [gaps, Math.floor(end / 60_000)], () => {
    const rows = [...new Set(gaps.map(({ exchange }) => exchange))];
    if (rows.length === 0) return [];
    const x = (iso, other) => {
      const time = iso === null ? other : Date.parse(iso);
      return Math.max(0, Math.min(600, ((time - (end - hour)) / hour) * 600));
    };
    const lines = rows.flatMap((exchange, row) => {
      const y = row * 30 + 24;
      const own = gaps.filter((gap) => gap.exchange === exchange);
      return [
        draw("text", { x: 0, y: y - 8 }, exchange),
        draw("line", { class: "base", x1: 0, x2: 600, y1: y, y2: y }),
        ...own.map((gap) => {
          const from = x(gap.from, Date.parse(gap.told));
          const to = Math.max(from + 2, gap.state === "opened" ? 600 : x(gap.to, Date.parse(gap.told)));
          const kind = gap.state === "opened" ? "gap" : "gap over";
          return draw("line", { class: kind, x1: from, x2: to, y1: y, y2: y });
        }),
      ];
    });
    const label = `Gaps of the last hour: ${gaps.length} on ${rows.join(", ")}; the table below lists them`;
    const view = `0 0 600 ${rows.length * 30 + 8}`;
    return [draw("svg", { class: "gap-line", viewBox: view, role: "img", "aria-label": label }, ...lines)];
  });
  const fate = { opened: "open", closed: "over, not filled", filled: "filled later" };
  show(
    at("gap-rows"),
    gaps,
    () =>
      gaps.length === 0
        ? [make("tr", {}, make("td", { colspan: "5" }, "No gap since the start."))]
        : gaps.map((gap) => {
          const lasted = gap.state === "opened"
            ? "still open"
            : gap.from === null || gap.to === null
            ? "not known"
            : age(Date.parse(gap.to) - Date.parse(gap.from));
          const what = gap.stream === null ? "connection" : `${gap.stream} ${gap.symbol}`;
          return make(
            "tr",
            { "data-state": gap.state },
            make("td", {}, clock(gap.from ?? gap.told)),
            make("td", {}, lasted),
            make("td", {}, `${gap.exchange} ${what}`),
            make("td", {}, `${gap.cause}: ${gap.detail}`),
            make("td", {}, `${fate[gap.state]}; ${gap.action}`),
          );
        }),
  );
}

function showSinks({ sinks, journal }) {
  show(at("journal"), journal, () => {
    if (journal === null) return [make("p", {}, "There is no journal: nothing is collected.")];
    const { bytes: size, cap_bytes: cap, bytes_per_s: speed } = journal;
    const left = cap === null || speed === null || speed <= 0 ? null : (cap - size) / speed;
    const meter = make("progress", {
      max: String(cap ?? size),
      value: String(size),
      "aria-label": "Fill of the journal",
    });
    const forecast = left === null
      ? ""
      : `, full in ${duration(Math.max(0, left))} at the present pace if nothing is deleted`;
    const lines = [
      make("p", {}, meter, ` Journal: ${bytes(size)} of ${cap === null ? "no cap" : bytes(cap)}${forecast}.`),
    ];
    if (journal.waiting_ms > 1000) {
      lines.push(make("p", {}, `Records have waited for the disk for ${age(journal.waiting_ms)}.`));
    }
    if (journal.error !== null) lines.push(make("p", {}, journal.error));
    return lines;
  });
  show(
    at("sink-rows"),
    sinks,
    () =>
      sinks.length === 0 ? [make("tr", {}, make("td", { colspan: "5" }, "No sink runs."))] : sinks.map((sink) =>
        make(
          "tr",
          {},
          make("td", {}, `${sink.name} (${sink.type})`),
          make("td", {}, badge(sink.state), sink.error === null ? "" : ` ${sink.error}`),
          make("td", { class: "number" }, `${count(sink.lag_records)} records`),
          make(
            "td",
            {},
            sink.catch_up_s !== null
              ? duration(sink.catch_up_s)
              : sink.state === "delivering"
              ? "follows"
              : "not known",
          ),
          make("td", { class: "number" }, count(sink.events)),
        )
      ),
  );
}

/** Numbers as ranges: `0–3, 7`. */
function ranges(numbers) {
  const parts = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const last = parts.at(-1);
    if (last !== undefined && last[1] === number - 1) last[1] = number;
    else parts.push([number, number]);
  }
  return parts.map(([from, to]) => from === to ? `${from}` : `${from}–${to}`).join(", ");
}

function shares(numbers) {
  return numbers.length === 0 ? "none" : `${numbers.length} (${ranges(numbers)})`;
}

function showGroup({ group }) {
  at("group").hidden = group === null;
  at("group-link").hidden = group === null;
  if (group === null) return;
  const { name, engine, member, shares: all, replicas, engine_away, name_taken_since, uncovered, members } = group;
  show(at("group-about"), [group.name, engine, member, all, replicas, engine_away, name_taken_since, uncovered], () => {
    const times = replicas === 1 ? "once" : replicas === 2 ? "twice" : `${replicas} times`;
    const lines = [
      `This collector is ${member} of the group ${name}, by ${engine}: ${all} shares, each collected ${times}.`,
    ];
    if (engine_away !== null) {
      lines.push(
        `The engine has not answered since ${
          clock(engine_away.since)
        } UTC (${engine_away.error}). What is shown is from before.`,
      );
    }
    if (name_taken_since !== null) {
      lines.push(`Another collector has had the same name since ${clock(name_taken_since)} UTC.`);
    }
    if (uncovered === null) lines.push("The group has not been seen yet.");
    else if (uncovered.length > 0) {
      lines.push(`Collected by nobody: ${uncovered.length === 1 ? "share" : "shares"} ${ranges(uncovered)}.`);
    }
    return lines.map((line) => make("p", {}, line));
  });
  show(
    at("group-rows"),
    members.map(({ heard, ...rest }) => ({ ...rest, heard: clock(heard) })),
    () =>
      members.length === 0
        ? [make("tr", {}, make("td", { colspan: "5" }, "No member has been seen yet."))]
        : members.map((each) =>
          make(
            "tr",
            {},
            make("th", { scope: "row" }, each.name, each.name === member ? " (this one)" : ""),
            make("td", {}, badge(each.state)),
            make("td", {}, shares(each.live)),
            make("td", {}, shares(each.starting)),
            make("td", {}, clock(each.heard)),
          )
        ),
  );
}

/** A share of a day: only what is whole is called 100 %. */
function percent(share) {
  return share >= 1 ? "100 %" : `${(Math.floor(share * 1000) / 10).toFixed(1)} %`;
}

function coverageCell({ date, share, gaps, is_settled }) {
  if (share === null) {
    return make("td", { class: "day faint" }, make("span", { "aria-hidden": "true" }, "–"), hidden("no certificate"));
  }
  const tone = share >= 1 ? "good" : share >= 0.99 ? "warn" : "bad";
  const found = gaps === 0 ? "no gap" : gaps === 1 ? "1 gap" : `${count(gaps)} gaps`;
  const words = `${found}${is_settled ? "" : "; the next day is not certified with it yet"}`;
  const bar = draw("svg", { class: "share", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": "true" });
  bar.append(draw("rect", { class: "base", width: 100, height: 4 }));
  bar.append(draw("rect", { "data-tone": tone, width: share * 100, height: 4 }));
  return make(
    "td",
    { class: "day", title: `${date}: ${percent(share)}, ${words}` },
    percent(share),
    bar,
    hidden(words),
  );
}

/** Words for those who do not see the picture beside them. */
function hidden(text) {
  return make("span", { class: "unseen" }, ` ${text}`);
}

let coverageAt = null;

/** Certificates change a few times a day: they are asked for once a minute, while the page is in sight. */
async function showCoverage() {
  if (document.hidden || (coverageAt !== null && performance.now() - coverageAt < COVERAGE_EVERY_MS)) return;
  coverageAt = performance.now();
  try {
    const answer = await ask(`/api/v1/coverage?by=channel&days=${COVERAGE_DAYS}&limit=${COVERAGE_ROWS_MAX}`);
    const body = await answer.json();
    if (!answer.ok) throw new Error(body.error);
    const { coverage, total, unreadable } = body;
    const rest = total > coverage.length ? ` The first ${coverage.length} of ${count(total)} rows.` : "";
    const wrong = unreadable.length === 0 ? "" : ` Not readable: ${unreadable.join("; ")}.`;
    at("coverage-note").textContent = coverage.length === 0
      ? `No certificate of the last ${COVERAGE_DAYS} days: a day of a Parquet, NDJSON or CSV sink is certified half an hour after its end.${wrong}`
      : `Complete part of each day (UTC), from the certificates; the mean of a channel's streams.${rest}${wrong}`;
    at("coverage-table").hidden = coverage.length === 0;
    if (coverage.length === 0) return;
    const sinks = new Set(coverage.map(({ sink }) => sink)).size;
    const days = coverage[0].days.map(({ date }) => date);
    show(at("coverage-days"), [days, sinks], () => [
      make("th", { scope: "col" }, "Stream"),
      ...days.map((date) =>
        make("th", { scope: "col", class: "day" }, make("time", { datetime: date }, date.slice(5)))
      ),
    ]);
    show(at("coverage-rows"), coverage, () =>
      coverage.map(({ sink, exchange, channel, streams: number, days }) =>
        make(
          "tr",
          {},
          make(
            "th",
            { scope: "row" },
            `${exchange} ${channel}`,
            make("span", { class: "faint" }, ` ${number === 1 ? "1 stream" : `${count(number)} streams`}`),
            sinks === 1 ? "" : make("span", { class: "faint" }, ` in ${sink}`),
          ),
          ...days.map(coverageCell),
        )
      ));
  } catch (error) {
    // The page's event stream shows that the collector does not answer.
    if (!(error instanceof TypeError)) at("coverage-note").textContent = `Not readable: ${error.message}`;
    coverageAt = null;
  }
}

function showLog({ log }) {
  show(
    at("log-lines"),
    log,
    () =>
      [...log].reverse().map(({ at: time, level, text }) =>
        make("li", {}, make("span", { class: "faint" }, `${clock(time)} `), make("b", {}, level), ` ${text}`)
      ),
  );
}

let books = [];

function showBookChoice({ exchanges }) {
  books = exchanges.flatMap(({ name, book_list }) => book_list.map(([symbol]) => `${name} ${symbol}`)).sort();
  const choice = at("book-choice");
  show(choice, books, () => {
    const before = choice.value;
    const options = books.map((book) => make("option", { value: book }, book));
    queueMicrotask(() => {
      if (books.includes(before)) choice.value = before;
    });
    return options.length === 0 ? [make("option", { value: "" }, "no book is kept")] : options;
  });
}

let isLadderSeen = false;
let isLadderAsked = false;

async function showLadder() {
  const choice = at("book-choice").value;
  if (choice === "" || !isLadderSeen || isLadderAsked || document.hidden) {
    if (choice === "") show(at("ladder-rows"), [], () => []);
    return;
  }
  const space = choice.indexOf(" ");
  const query = new URLSearchParams({
    exchange: choice.slice(0, space),
    symbol: choice.slice(space + 1),
    depth: String(LADDER_LEVELS),
  });
  isLadderAsked = true;
  try {
    const answer = await ask(`/api/v1/books?${query}`);
    if (!answer.ok) return;
    const { books: found } = await answer.json();
    const book = found.find(({ state }) => state === "valid") ?? found.at(-1);
    if (book === undefined || at("book-choice").value !== choice) return;
    show(at("book-state"), [book.state, book.cause, book.bid_levels, book.ask_levels], () => {
      const levels = book.state === "valid" ? ` ${count(book.bid_levels)} bids and ${count(book.ask_levels)} asks` : "";
      return [badge(book.state), book.cause === null ? levels : ` because of ${book.cause}`];
    });
    const rows = Math.max(book.bids.length, book.asks.length);
    show(at("ladder-rows"), [book.bids, book.asks], () =>
      Array.from({ length: rows }, (_, row) => {
        const [bid, ask] = [book.bids[row] ?? ["", ""], book.asks[row] ?? ["", ""]];
        const cell = (text, kind) => make("td", { class: `number ${kind}` }, text);
        return make("tr", {}, cell(bid[1], ""), cell(bid[0], "bid"), cell(ask[0], "ask"), cell(ask[1], ""));
      }));
  } catch {
    // The page's event stream shows that the collector does not answer.
  } finally {
    isLadderAsked = false;
  }
}

function showAll(overview) {
  streams = overview.streams;
  showWhole(overview);
  showProblems(overview);
  showExchanges(overview);
  showStreams();
  showBookChoice(overview);
  showGaps(overview);
  showSinks(overview);
  showGroup(overview);
  showLog(overview);
  void showLadder();
  void showCoverage();
}

function ask(path) {
  const token = sessionStorage.getItem("token");
  return fetch(path, { headers: token === null ? {} : { authorization: `Bearer ${token}` }, cache: "no-store" });
}

function tell(text) {
  const link = at("link");
  if (link.textContent !== text) link.textContent = text;
  link.hidden = text === "";
}

/** Follows the collector until its stream ends; resolves with whether anything came. */
async function follow() {
  const answer = await ask("/api/v1/overview/events");
  if (answer.status === 401) {
    await logIn();
    return true;
  }
  if (!answer.ok) throw new Error((await answer.json()).error ?? `status ${answer.status}`);
  let text = "";
  let came = false;
  for await (const chunk of readText(answer.body)) {
    text += chunk;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const lines = text.slice(0, end).split("\n");
      text = text.slice(end + 2);
      if (!lines.includes("event: overview")) continue;
      came = true;
      tell("");
      showAll(JSON.parse(lines.find((line) => line.startsWith("data: ")).slice(6)));
    }
  }
  return came;
}

async function* readText(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

function logIn() {
  const form = at("login");
  form.hidden = false;
  at("login-error").textContent = sessionStorage.getItem("token") === null ? "" : "That token is wrong.";
  at("token").focus();
  return new Promise((resolve) => {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      sessionStorage.setItem("token", at("token").value);
      form.hidden = true;
      resolve();
    }, { once: true });
  });
}

async function run() {
  let delayMs = 500;
  let lostSince = null;
  for (;;) {
    try {
      if (await follow()) {
        delayMs = 500;
        lostSince = null;
      }
    } catch (error) {
      if (!(error instanceof TypeError)) console.info(error.message);
    }
    if (at("login").hidden === false) continue;
    lostSince ??= new Date();
    tell(
      `The collector has not answered since ${lostSince.toLocaleTimeString()}. This page shows the last known state; trying again.`,
    );
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    delayMs = Math.min(delayMs * 1.5, RETRY_MS_MAX);
  }
}

at("stream-filter").addEventListener("input", showStreams);
at("book-choice").addEventListener("change", () => void showLadder());
new IntersectionObserver((entries) => {
  isLadderSeen = entries.at(-1).isIntersecting;
  if (isLadderSeen) void showLadder();
}).observe(at("books"));
void run();
