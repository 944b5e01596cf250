import type { Files } from "../host/mod.ts";
import { Failure } from "../model/mod.ts";
import { CERTIFICATES_FOLDER } from "./archive_days.ts";
import type { Certificate } from "./certificate.ts";

/** Returns the path of a certificate below its archive. */
export function certificatePath(exchange: string, date: string): string {
  return `${CERTIFICATES_FOLDER}/${exchange}/${date}.json`;
}

/** Writes a certificate; replaces an earlier one. */
export async function writeCertificate(files: Files, dir: string, certificate: Certificate): Promise<void> {
  const { exchange, date } = certificate;
  const path = `${dir}/${certificatePath(exchange, date)}`;
  await files.makeDir(path.slice(0, path.lastIndexOf("/")));
  await files.writeAtomic(path, new TextEncoder().encode(`${JSON.stringify(certificate)}\n`));
}

/**
 * Reads the certificate of an exchange and day; null if there is none. Rejects with a `Failure` of code `corrupt` if
 * it cannot be read.
 */
export async function readCertificate(
  files: Files,
  dir: string,
  { exchange, date }: { readonly exchange: string; readonly date: string },
): Promise<Certificate | null> {
  const path = `${dir}/${certificatePath(exchange, date)}`;
  const text = await files.readText(path);
  if (text === null) return null;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw unreadable(path, "it is not JSON");
  }
  if (!isCertificate(value)) throw unreadable(path, "it is no certificate of this version");
  if (value.exchange !== exchange || value.date !== date) {
    throw unreadable(path, `it is of ${value.exchange} on ${value.date}`);
  }
  return value;
}

/** Lists the certificates of an archive. */
export async function listCertificates(
  files: Files,
  dir: string,
): Promise<readonly { readonly exchange: string; readonly date: string }[]> {
  const found: { exchange: string; date: string }[] = [];
  const folder = `${dir}/${CERTIFICATES_FOLDER}`;
  for (const { name: exchange, isDirectory } of await files.list(folder) ?? []) {
    if (!isDirectory) continue;
    for (const { name } of await files.list(`${folder}/${exchange}`) ?? []) {
      const date = /^(\d{4}-\d\d-\d\d)\.json$/.exec(name)?.[1];
      if (date !== undefined) found.push({ exchange, date });
    }
  }
  return found.sort((a, b) => a.date < b.date || (a.date === b.date && a.exchange < b.exchange) ? -1 : 1);
}

/** Reads all certificates of an archive, by day and exchange. Rejects with a `Failure` if one cannot be read. */
export async function readCertificates(files: Files, dir: string): Promise<readonly Certificate[]> {
  const all: Certificate[] = [];
  for (const place of await listCertificates(files, dir)) {
    const certificate = await readCertificate(files, dir, place);
    if (certificate !== null) all.push(certificate);
  }
  return all;
}

function isCertificate(value: unknown): value is Certificate {
  if (typeof value !== "object" || value === null) return false;
  const certificate: Partial<Certificate> = value;
  const { format, exchange, date, streams, files, chain, plans, journals } = certificate;
  return format === 1 && typeof exchange === "string" && typeof date === "string" && Array.isArray(streams) &&
    streams.every((stream) =>
      typeof stream === "object" && stream !== null && typeof stream.symbol === "string" &&
      Array.isArray(stream.coverage) && Array.isArray(stream.gaps)
    ) &&
    Array.isArray(files) && files.every(isFile) && Array.isArray(chain) && Array.isArray(plans) &&
    Array.isArray(journals);
}

function isFile(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { path, bytes, sha256 }: Readonly<Record<string, unknown>> = { ...value };
  // A certificate must not make a reader open files outside the archive.
  return typeof path === "string" && !path.startsWith("/") && !path.split(/[\\/]/).includes("..") &&
    typeof bytes === "number" && typeof sha256 === "string";
}

function unreadable(path: string, why: string): Failure {
  return new Failure("corrupt", `Cannot read ${path}: ${why}`, { retry: false });
}
