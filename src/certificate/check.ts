import type { Clock, Files } from "../host/mod.ts";
import { chainFault, type ChainLink, digestOf, readChain } from "../journal/mod.ts";
import type { Pause } from "../lake/mod.ts";
import { Failure, LAKE_CLOSED_AFTER_MS } from "../model/mod.ts";
import { type ArchiveFormat, archiveFormat, listDayFiles } from "./archive_days.ts";
import { boundsOfDay, type Certificate, type CertifiedChain } from "./certificate.ts";
import { isAnywhere } from "./certify.ts";
import { isSigned } from "./signature.ts";
import { certificatePath, listCertificates, readCertificate } from "./stored.ts";

export interface CheckOptions {
  readonly host: { readonly files: Files; readonly clock: Clock };
  readonly dir: string;
  /** Folder of the journal whose chain and segments are compared, too; null if none are. */
  readonly journalDir: string | null;
  /** The only accepted public key, in base64; null to accept any. */
  readonly publicKey: string | null;
  readonly pause: Pause;
  readonly onProgress?: (progress: { readonly doneBytes: number; readonly totalBytes: number }) => void;
}

export interface CheckResult {
  readonly certificates: number;
  readonly signed: number;
  readonly files: number;
  /** Number of links of the hash chain that were compared with the journal. */
  readonly links: number;
  /** The differences; empty if everything is as certified. */
  readonly differences: readonly string[];
}

/**
 * Compares certificates with the files that they name, with their signatures, and with the journal's hash chain where
 * one is given. Every file of a closed day must be in a certificate. Rejects with a `Failure` if the archive or the
 * journal cannot be read at all.
 */
export async function checkCertificates(options: CheckOptions): Promise<CheckResult> {
  const { host: { files }, dir, publicKey } = options;
  const format = await archiveFormat(files, dir);
  const differences: string[] = [];
  const certificates: Certificate[] = [];
  for (const place of await listCertificates(files, dir)) {
    try {
      const certificate = await readCertificate(files, dir, place);
      if (certificate !== null) certificates.push(certificate);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      differences.push(error.message);
    }
  }
  let signed = 0;
  for (const certificate of certificates) {
    const path = certificatePath(certificate.exchange, certificate.date);
    if (certificate.signature !== undefined) {
      if (!await isSigned(certificate)) differences.push(`${path}: its signature does not match its content`);
      else signed++;
    } else if (publicKey !== null) differences.push(`${path}: it is not signed`);
    if (publicKey !== null && certificate.signature !== undefined && certificate.signature.public_key !== publicKey) {
      differences.push(`${path}: it is signed with another key, ${certificate.signature.public_key}`);
    }
  }
  const checked = await compareFiles(options, certificates);
  differences.push(...checked.differences);
  differences.push(...await findUncertified(options, { format, certificates }));
  const links = options.journalDir === null ? null : await compareChains(options, certificates);
  differences.push(...links?.differences ?? []);
  return {
    certificates: certificates.length,
    signed,
    files: checked.files,
    links: links?.links ?? 0,
    differences,
  };
}

async function compareFiles(
  { host: { files }, dir, pause, onProgress }: CheckOptions,
  certificates: readonly Certificate[],
): Promise<{ readonly files: number; readonly differences: readonly string[] }> {
  const differences: string[] = [];
  const totalBytes = certificates.flatMap((each) => each.files).reduce((sum, { bytes }) => sum + bytes, 0);
  let doneBytes = 0;
  /** Reads a file only once if several certificates name it. */
  const known = new Map<string, string>();
  for (const certificate of certificates) {
    const place = certificatePath(certificate.exchange, certificate.date);
    for (const { path, bytes, sha256 } of certificate.files) {
      const full = `${dir}/${path}`;
      doneBytes += bytes;
      const stat = await files.stat(full);
      if (stat === null || stat.isDirectory) differences.push(`${path}: it is gone (${place})`);
      else if (stat.bytes !== bytes) {
        differences.push(`${path}: it has ${stat.bytes} bytes, expected ${bytes} (${place})`);
      } else {
        const found = known.get(path) ?? (await digestOf(files, full, pause)).sha256;
        known.set(path, found);
        if (found !== sha256) differences.push(`${path}: its SHA-256 is ${found}, expected ${sha256} (${place})`);
      }
      onProgress?.({ doneBytes, totalBytes });
    }
  }
  return { files: certificates.reduce((sum, each) => sum + each.files.length, 0), differences };
}

/** Lists files of closed days that are in no certificate. */
async function findUncertified(
  { host: { files, clock }, dir }: CheckOptions,
  { format, certificates }: { readonly format: ArchiveFormat; readonly certificates: readonly Certificate[] },
): Promise<readonly string[]> {
  const now = clock.nowMicros() - LAKE_CLOSED_AFTER_MS * 1000;
  const named = new Set(certificates.flatMap((each) => each.files.map(({ path }) => path)));
  const all = await listDayFiles(files, dir, { format, wants: (date) => boundsOfDay(date)[1] <= now });
  return all.filter(({ path, exchange }) => !named.has(path) && !isAnywhere(exchange)).map(({ path }) =>
    `${path}: no certificate names it`
  );
}

async function compareChains(
  { host: { files }, journalDir, pause }: CheckOptions,
  certificates: readonly Certificate[],
): Promise<{ readonly links: number; readonly differences: readonly string[] }> {
  if (journalDir === null) return { links: 0, differences: [] };
  const links = await readChain(files, journalDir);
  const differences: string[] = [];
  const checked = new Map<number, string | null>();
  for (const certificate of certificates) {
    const place = certificatePath(certificate.exchange, certificate.date);
    for (const stretch of certificate.chain) {
      const own = links.filter((link) =>
        link.first_offset >= stretch.first_offset && link.next_offset <= stretch.next_offset
      );
      const broken = faultOf(stretch, own);
      if (broken !== null) differences.push(`${place}: ${broken}`);
      for (const link of own) {
        if (checked.has(link.first_offset)) continue;
        const at = links.indexOf(link);
        const fault = await chainFault(files, journalDir, { link, before: links.at(at - 1), isFirst: at === 0 });
        checked.set(link.first_offset, fault);
        if (fault !== null) differences.push(fault);
        await pause();
      }
    }
  }
  return { links: checked.size, differences };
}

function faultOf(stretch: CertifiedChain, links: readonly ChainLink[]): string | null {
  const [first] = links;
  const last = links.at(-1);
  if (first?.journal !== stretch.journal || links.length !== stretch.segments || last === undefined) {
    return `the journal's chain does not have its ${stretch.segments} segments from offset ${stretch.first_offset} on`;
  }
  if (first.previous !== stretch.before || last.value !== stretch.after) {
    return `the journal's chain ends in ${last.value}, expected ${stretch.after}`;
  }
  return null;
}
