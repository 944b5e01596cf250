/**
 * The page of a collector. It follows /api/v1/overview/events, shows what comes, and asks for one book while that is in
 * sight. Everything is text and elements: nothing from the collector is ever read as HTML.
 */

const STREAMS_SHOWN_MAX = 100;
const LADDER_LEVELS = 10;
const RETRY_MS_MAX = 10_000;

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
      exchanges.length === 0 ? [make("p", {}, "None is configured.")] : exchanges.map((exchange) => {
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
  // What is not well comes first, then what has been silent for longest.
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
      gaps.length === 0 ? [make("tr", {}, make("td", { colspan: "5" }, "None since the start."))] : gaps.map((gap) => {
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
      sinks.length === 0 ? [make("tr", {}, make("td", { colspan: "5" }, "None runs."))] : sinks.map((sink) =>
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
    // The stream of the page tells that the collector does not answer.
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
  showLog(overview);
  void showLadder();
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
  at("login-error").textContent = sessionStorage.getItem("token") === null ? "" : "That token is another one.";
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
      `The collector has not answered since ${lostSince.toLocaleTimeString()}. What is shown is from before; trying again.`,
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
