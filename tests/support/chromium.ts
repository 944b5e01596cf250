/** Chromium of the system, as `.ci/servers` installs it. */
const CHROMIUM = Deno.env.get("CHROMIUM") ?? "/usr/bin/chromium";
/** How long is looked before it counts as never, in ms, and how often. */
const GIVE_UP_MS = 120_000;
const LOOK_MS = 50;

/** Why no browser can be had; null where one can. */
export const NO_BROWSER = exists(CHROMIUM) ? null : "no chromium, see .ci/servers";

type Parameters = Readonly<Record<string, unknown>>;
type Message = {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Parameters;
  readonly result?: Parameters;
} & {
  readonly error?: { readonly message: string };
};

/**
 * A real browser without a window that shows one page, steered by the DevTools protocol. (A driver such as
 * playwright-core wants to read all of the machine, which the tests are not allowed.)
 */
export class Browser {
  /** Errors and warnings of the console, and exceptions that nobody caught. */
  readonly complaints: string[] = [];
  readonly #process: Deno.ChildProcess;
  readonly #profile: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, { resolve(result: Parameters): void; reject(error: Error): void }>();
  #id = 0;
  #session: string | undefined;

  private constructor(process: Deno.ChildProcess, profile: string, socket: WebSocket) {
    this.#process = process;
    this.#profile = profile;
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#take(JSON.parse(data));
  }

  static async start(): Promise<Browser> {
    const profile = await Deno.makeTempDir({ prefix: "collector-chromium-" });
    const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"];
    const args = [...flags, "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"];
    const process = new Deno.Command(CHROMIUM, { args, stdin: "null", stdout: "null", stderr: "piped" }).spawn();
    const socket = new WebSocket(await addressOf(process));
    await new Promise((resolve) => socket.onopen = resolve);
    const browser = new Browser(process, profile, socket);
    const { targetId } = await browser.#call("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await browser.#call("Target.attachToTarget", { targetId, flatten: true });
    browser.#session = String(sessionId);
    for (const domain of ["Page", "Runtime", "Log"]) await browser.#call(`${domain}.enable`);
    return browser;
  }

  async open(url: string): Promise<void> {
    await this.#call("Page.navigate", { url });
  }

  /** Sets the size of the window and the colours that its user prefers. */
  async look(width: number, colors: "light" | "dark"): Promise<void> {
    await this.#call("Emulation.setDeviceMetricsOverride", { width, height: 900, deviceScaleFactor: 1, mobile: false });
    const features = [{ name: "prefers-color-scheme", value: colors }];
    await this.#call("Emulation.setEmulatedMedia", { features });
  }

  /** The value of an expression in the page. */
  async value(expression: string): Promise<unknown> {
    const { result, exceptionDetails } = await this.#call("Runtime.evaluate", { expression, returnByValue: true });
    if (exceptionDetails !== undefined) throw new Error(`${expression}: ${JSON.stringify(exceptionDetails)}`);
    return (result as { readonly value?: unknown }).value;
  }

  /** Presses a key as a person does. */
  async press(key: string): Promise<void> {
    for (const type of ["keyDown", "keyUp"]) {
      await this.#call("Input.dispatchKeyEvent", {
        type,
        key,
        code: key,
        windowsVirtualKeyCode: key === "Tab" ? 9 : 13,
      });
    }
  }

  /** Types into what has the focus. */
  async type(text: string): Promise<void> {
    await this.#call("Input.insertText", { text });
  }

  /** Waits until an element's text has these words; rejects with what it shows where it never does. */
  async untilShown(selector: string, words: string): Promise<void> {
    const text = `document.querySelector(${JSON.stringify(selector)})?.textContent`;
    for (const end = performance.now() + GIVE_UP_MS;;) {
      const shown = await this.value(text);
      if (String(shown).includes(words)) return;
      if (performance.now() > end) {
        throw new Error(
          `${selector} never showed ${JSON.stringify(words)}, but ${JSON.stringify(shown)}: ${this.complaints}`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** A picture of the whole page. */
  async screenshot(path: string): Promise<void> {
    const { data } = await this.#call("Page.captureScreenshot", {
      format: "webp",
      quality: 60,
      captureBeyondViewport: true,
    });
    await Deno.writeFile(path, Uint8Array.from(atob(String(data)), (letter) => letter.charCodeAt(0)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((resolve) => this.#socket.onclose = resolve);
    this.#process.kill("SIGKILL");
    await this.#process.status;
    await closed;
    await Deno.remove(this.#profile, { recursive: true }).catch(() => {});
  }

  #call(method: string, params: Parameters = {}): Promise<Parameters> {
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#socket.send(JSON.stringify({ id, method, params, sessionId: this.#session }));
    });
  }

  #take({ id, method, params, result, error }: Message): void {
    if (id !== undefined) {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result ?? {});
      else waiting?.reject(new Error(error.message));
    } else if (method === "Runtime.exceptionThrown") this.complaints.push(JSON.stringify(params));
    else if (method === "Runtime.consoleAPICalled" && ["error", "warning"].includes(String(params?.type))) {
      this.complaints.push(JSON.stringify(params?.args));
    } else if (method === "Log.entryAdded") {
      const entry = params?.entry as { readonly level: string; readonly text: string; readonly url?: string };
      if (entry.level === "error" || entry.level === "warning") this.complaints.push(`${entry.text} ${entry.url}`);
    }
  }
}

/** The address at which a browser is steered, which it says on standard error. */
async function addressOf(process: Deno.ChildProcess): Promise<string> {
  let said = "";
  const reader = process.stderr.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    said += value ?? "";
    const address = /DevTools listening on (ws:\S+)/.exec(said)?.[1];
    if (address !== undefined) {
      await reader.cancel();
      return address;
    }
    if (done) throw new Error(`The browser ended: ${said}`);
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return false;
    throw cause;
  }
}
