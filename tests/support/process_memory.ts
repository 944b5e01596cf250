/** Returns the resident memory of a process in MiB; NaN where it cannot be told. */
export async function memoryMib(pid: number): Promise<number> {
  try {
    const { stdout } = await new Deno.Command("ps", { args: ["-o", "rss=", "-p", String(pid)] }).output();
    return Math.round(Number(new TextDecoder().decode(stdout)) / 1024);
  } catch {
    return NaN;
  }
}
