import { crashAt, CRASHES, memoryDisk } from "./crashes.ts";

/** Ends journals at every file operation, in as many orders of what is under way at once as are asked for. */
const [from, count] = [Number(Deno.args[0] ?? 1), Number(Deno.args[1] ?? 100)];
let runs = 0;
let failed = 0;
for (let seed = from; seed < from + count; seed++) {
  for (const crash of CRASHES) {
    let at = 1;
    try {
      while (await crashAt(memoryDisk(), { ...crash, at, seed })) at++;
    } catch (error) {
      failed++;
      console.error(error);
    }
    runs += at;
  }
  console.log(`seed ${seed}: ${runs} runs, ${failed} failed`);
}
Deno.exit(failed === 0 ? 0 : 1);
