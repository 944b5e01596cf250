import type { Clock, Files, Timer } from "../host/mod.ts";
import { Failure, LIMITS_FILE_BYTES_MAX, type Observer } from "../model/mod.ts";
import { HostLimits, type HostLimitsState, type HostState } from "./host_limits.ts";
import { setAside } from "./set_aside.ts";

/** How long changes are collected before they are written, in ms. */
const GATHER_MS = 250;

export interface HostLimitsFileOptions {
  readonly clock: Clock;
  readonly files: Files;
  readonly path: string;
  readonly observe: Observer;
}

/** Limits of hosts that survive a restart. */
export interface KeptHostLimits {
  readonly limits: HostLimits;
  /** Writes unwritten changes, the last time. Never rejects. */
  close(): Promise<void>;
}

/**
 * Returns the limits of hosts that an earlier process saved, and saves them in a small file from now on. A damaged file
 * is set aside, an unreadable or unwritable one is reported; neither prevents a start.
 */
export async function openHostLimits(options: HostLimitsFileOptions): Promise<KeptHostLimits> {
  const writer = new StateWriter(options, () => limits.saveState());
  const limits: HostLimits = new HostLimits(options.clock, () => writer.changed());
  const state = await readState(options);
  if (state !== null) limits.restoreState(state);
  // The file holds times of the wall clock.
  options.clock.onStep?.(() => writer.changed());
  return { limits, close: () => writer.close() };
}

/**
 * Returns the limits of hosts that a collector saved, for a command that runs beside it. Writes nothing. An unreadable
 * file counts as none: the collector reports it.
 */
export async function readHostLimits(
  { clock, files, path }: Omit<HostLimitsFileOptions, "observe">,
): Promise<HostLimits> {
  const limits = new HostLimits(clock);
  try {
    const stat = await files.stat(path);
    const isRead = stat !== null && stat.bytes <= LIMITS_FILE_BYTES_MAX;
    const state = isRead ? parseState(await files.readText(path) ?? "") : null;
    if (state !== null) limits.restoreState(state);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
  }
  return limits;
}

/** Writes the state shortly after it changed, one write at a time. */
class StateWriter {
  readonly #options: HostLimitsFileOptions;
  readonly #state: () => HostLimitsState;
  #timer: Timer | null = null;
  #writing: Promise<void> = Promise.resolve();
  #isDirty = false;
  #closed = false;

  constructor(options: HostLimitsFileOptions, state: () => HostLimitsState) {
    this.#options = options;
    this.#state = state;
  }

  changed(): void {
    this.#isDirty = true;
    if (this.#closed) return;
    this.#timer ??= this.#options.clock.after(GATHER_MS, () => {
      this.#writing = this.#writing.then(() => this.#write());
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#writing;
    await this.#write();
  }

  async #write(): Promise<void> {
    this.#timer = null;
    if (!this.#isDirty) return;
    this.#isDirty = false;
    const { files, path, observe } = this.#options;
    try {
      const slash = path.lastIndexOf("/");
      if (slash > 0) await files.makeDir(path.slice(0, slash));
      const text = JSON.stringify({ version: 1, ...this.#state() });
      await files.writeAtomic(path, new TextEncoder().encode(text));
    } catch (error) {
      // Nobody awaits this write: the error is reported, and the next change writes again.
      const text = error instanceof Error ? error.message : String(error);
      observe({ kind: "kept_file_failed", file: path, action: "write", error: text });
    }
  }
}

async function readState({ files, path, observe }: HostLimitsFileOptions): Promise<HostLimitsState | null> {
  let text: string | null;
  try {
    const stat = await files.stat(path);
    if (stat === null) return null;
    if (stat.bytes > LIMITS_FILE_BYTES_MAX) {
      await setAside({ files, path, observe }, `it is larger than ${LIMITS_FILE_BYTES_MAX} bytes`);
      return null;
    }
    text = await files.readText(path);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    observe({ kind: "kept_file_failed", file: path, action: "read", error: error.message });
    return null;
  }
  if (text === null) return null;
  const state = parseState(text);
  if (state === null) await setAside({ files, path, observe }, "it is not what the collector writes");
  return state;
}

/** Parses a state; null if it is invalid or of another version. */
function parseState(text: string): HostLimitsState | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(value) || value.version !== 1 || !Array.isArray(value.hosts)) return null;
  return value.hosts.every(isHostState) ? { hosts: value.hosts } : null;
}

function isHostState(value: unknown): value is HostState {
  return isRecord(value) && typeof value.host === "string" && isTimes(value.opens) && isTimes(value.requests) &&
    Number.isFinite(value.opensBlockedUntil) && Number.isFinite(value.requestsBlockedUntil);
}

function isTimes(value: unknown): boolean {
  return Array.isArray(value) && value.every((time) => Number.isFinite(time));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
