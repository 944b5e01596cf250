import { z } from "zod";
import type { Files } from "../host/mod.ts";
import { Failure } from "../model/mod.ts";

/**
 * Returns the schema of a destination's key `url`: an address with one of the schemes, such as `nats`. It may contain a
 * user and a password, which are never shown.
 */
export function urlKey(schemes: readonly string[], example: string) {
  const title = `an address that begins with ${schemes.map((scheme) => `${scheme}://`).join(" or ")}`;
  return z.string().regex(new RegExp(`^(?:${schemes.join("|")})://[^\\s]+$`)).meta({ title }).describe(
    `Address, such as \`${example}\`. User and password come from the environment: \`\${NAME}\`. Never shown whole`,
  );
}

/** Key `ca_path` of a destination whose address does not show whether it uses TLS. */
export const caKey = z.string().min(1).optional().describe(
  "PEM file of the authority that the server's certificate is checked against; asks for TLS. Absent: the platform's own",
);

/** Key `ca_path` of a destination over HTTP. */
export const httpsCaKey = z.string().min(1).optional().describe(
  "PEM file of the authority that the server's certificate is checked against. Absent: the platform's own",
);

/** Reads the authorities of `ca_path`; null if there is no path. Rejects with a `Failure` of code `tls`. */
export async function readAuthorities(
  files: Pick<Files, "readText">,
  path: string | null | undefined,
): Promise<string | null> {
  if (path === null || path === undefined) return null;
  const text = await files.readText(path);
  if (text === null || !text.includes("-----BEGIN CERTIFICATE-----")) {
    const why = text === null ? "there is no such file" : "it contains no certificate";
    throw new Failure("tls", `Cannot read the authorities in ${path}: ${why}`, { retry: false });
  }
  return text;
}
