import { zstdCompressSync } from "node:zlib";
import type { Files, Host, Signals } from "../host/mod.ts";
import { Secrets } from "../model/mod.ts";
import { MemoryDisk } from "./memory_disk.ts";
import { MemoryNetwork } from "./memory_network.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** A process of a world. */
export interface SimulatedProcess {
  readonly host: Host;
  readonly lives: boolean;
  /** The last lines it printed, to standard output and error. */
  readonly printed: readonly string[];
  /** The exit code, if it ended by itself; else null. */
  readonly exitCode: number | null;
  /** Raises a signal. */
  signal(name: "SIGINT" | "SIGTERM" | "SIGHUP"): void;
  /** Kills it, as SIGKILL does: its timers, sockets and locks are gone, and its calls are never answered. */
  kill(): void;
}

export interface WorldOptions {
  /** In [0, 1); the same numbers give the same world. */
  readonly random: () => number;
  /** Folder of the program's own files, which are read from the real disk. */
  readonly shipped: { readonly dir: string; readonly files: Files };
  /** Lines of each process that are kept. Default 1,000. */
  readonly printedMax?: number;
}

/**
 * One machine with its disk, network and clock. Everything in it follows from its random numbers; nothing waits for the
 * real world.
 */
export class World {
  readonly clock = new VirtualClock();
  readonly disk = new MemoryDisk(() => this.clock.wallMicros / 1000);
  readonly network = new MemoryNetwork(this.clock.of({ lives: true }));
  readonly #options: WorldOptions;
  #processes = 0;

  constructor(options: WorldOptions) {
    this.#options = options;
  }

  /** Starts a process: a host for one life of a program. */
  process(variables: Readonly<Record<string, string>> = {}): SimulatedProcess {
    const { random, shipped, printedMax = 1000 } = this.#options;
    const state = { lives: true, exitCode: null as number | null };
    const id = ++this.#processes;
    const ports = new Set<number>();
    const printed: string[] = [];
    const listeners = new Set<readonly [string, () => void]>();
    const { clock, disk, network } = this;
    const end = () => {
      if (!state.lives) return;
      state.lives = false;
      network.forget(ports);
      network.reset({ owner: state });
      disk.release(state);
    };
    const print = (text: string) => {
      printed.push(text);
      if (printed.length > printedMax) printed.splice(0, printed.length - printedMax);
    };
    let uuids = 0;
    const hex = (digits: number) =>
      Array.from({ length: digits }, () => Math.floor(random() * 16).toString(16)).join("");
    const host: Host = {
      clock: clock.of(state),
      files: disk.of(state, shipped),
      dialer: network.dialerOf(state),
      fetcher: network.fetcherOf(state),
      listener: network.listenerOf(ports),
      signals: signalsOf(listeners),
      random: {
        next: random,
        uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${String(++uuids).padStart(12, "0")}`,
      },
      // At once: when another thread is done is not for the world to say.
      compressor: { zstd: (bytes, params) => Promise.resolve(zstdCompressSync(bytes, { params })) },
      environment: { get: (name) => variables[name] },
      secrets: new Secrets(),
      terminal: {
        stdinIsTerminal: false,
        stdoutIsTerminal: false,
        stderrIsTerminal: false,
        columns: () => 100,
        stdin: async function* () {},
        readStdin: () => Promise.resolve(new Uint8Array()),
        ask: () => Promise.resolve(null),
        writeStdout: (bytes) => {
          print(new TextDecoder().decode(bytes));
          return Promise.resolve();
        },
        print,
        printError: print,
        errorLinesDropped: 0,
        flushErrors: () => Promise.resolve(),
        flushPrinted: () => Promise.resolve(),
      },
      onUncaught: () => () => {},
      exit: (code) => {
        state.exitCode = code;
        end();
        throw new Error(`The process has ended with code ${code}`);
      },
      processId: id,
      machineName: () => "world",
      isStandalone: false,
    };
    return {
      host,
      printed,
      get lives() {
        return state.lives;
      },
      get exitCode() {
        return state.exitCode;
      },
      signal: (name) => {
        if (!state.lives) return;
        for (const [wanted, call] of [...listeners]) if (wanted === name) call();
      },
      kill: end,
    };
  }
}

function signalsOf(listeners: Set<readonly [string, () => void]>): Signals {
  return {
    on: (signal, call) => void listeners.add([signal, call]),
    off: (signal, call) => {
      for (const each of listeners) if (each[0] === signal && each[1] === call) listeners.delete(each);
    },
  };
}
