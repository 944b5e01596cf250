import { certifyArchive, readCertificates, readSigningKey } from "../certificate/mod.ts";
import { Failure } from "../model/mod.ts";
import { withBytesBar } from "./progress.ts";
import type { CliContext } from "./context.ts";

/** Writes the certificates anew whose files have changed; signed ones only if there is a key. */
export async function renewCertificates({ host }: CliContext, dir: string, keyPath: string | undefined): Promise<void> {
  const known = await readCertificates(host.files, dir);
  if (known.length === 0) return;
  const keyText = keyPath === undefined ? null : await host.files.readText(keyPath);
  if (keyPath !== undefined && keyText === null) {
    throw new Failure("file", `Cannot open ${keyPath}: no such file`, { retry: false });
  }
  const key = keyText === null ? null : await readSigningKey(keyText, keyPath ?? "");
  const signed = new Set(
    known.filter(({ signature }) => signature !== undefined).map(({ exchange, date }) => `${exchange} ${date}`),
  );
  const all = new Set(known.map(({ exchange, date }) => `${exchange} ${date}`));
  if (key === null && signed.size > 0) {
    host.terminal.printError(
      `${dir} has signed certificates, whose files may have changed: give --key to renew them`,
    );
  }
  await withBytesBar(host, (onProgress) =>
    certifyArchive({
      host,
      onProgress,
      dir,
      key,
      journalDir: null,
      onlyNews: true,
      onlySafe: false,
      wants: (exchange, date) => {
        const place = `${exchange} ${date}`;
        return all.has(place) && (key !== null || !signed.has(place));
      },
      pause: () => host.clock.sleep(0),
      tell: (text) => host.terminal.printError(text),
    }));
}
