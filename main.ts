import { cli } from "./src/cli/mod.ts";
import { denoHost } from "./src/host/mod.ts";

if (import.meta.main) {
  const host = denoHost();
  host.exit(await cli(Deno.args, host));
}
