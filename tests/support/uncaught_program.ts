/** The program, in which an error of a socket and then a bug are caught by nobody. Takes the arguments of the program. */
import { connect, createServer } from "node:net";
import { cli } from "../../src/cli/mod.ts";
import { denoHost } from "../../src/host/mod.ts";

const server = createServer((peer) => setTimeout(() => peer.resetAndDestroy(), 20));
setTimeout(() => {
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    if (address === null || typeof address === "string") return;
    connect(address.port, "127.0.0.1").on("data", () => {}).on("close", () => {
      server.close();
      // Nor does anybody listen to what is written to it now.
      const ended = connect(address.port, "127.0.0.1");
      ended.end();
      ended.write("late");
      setTimeout(() => {
        throw new TypeError("nobody catches this");
      }, 200);
    });
  });
}, 500);

const host = denoHost();
host.exit(await cli(Deno.args, host));
