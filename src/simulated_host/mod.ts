/**
 * Simulates the world outside the program: time that passes by timers alone, a disk and a network in memory, and
 * processes that can be killed at any moment. In: random numbers. Out: a `Host` for each process. Must not know what
 * runs in it.
 */
export { type DiskFault, type DiskUser, MemoryDisk } from "./memory_disk.ts";
export { Link, MemoryNetwork } from "./memory_network.ts";
export { VirtualClock } from "./virtual_clock.ts";
export { type SimulatedProcess, World, type WorldOptions } from "./world.ts";
