/**
 * Writes and checks the certificates of an archive: what is complete in each stream and day, what proves it, and what
 * is missing. In: the files of a Parquet, NDJSON or CSV sink. Out: a JSON document for each exchange and day beside
 * them, the differences between such documents and the files, and charts. Must not change an event, nor certify what no
 * event proves.
 */
export { type ArchiveFormat, archiveFormat } from "./archive_days.ts";
export type {
  Certificate,
  CertifiedFile,
  CertifiedGap,
  CoveredStretch,
  GapFate,
  Proof,
  StreamCertificate,
} from "./certificate.ts";
export { certifyArchive, type CertifyOptions, type CertifyResult } from "./certify.ts";
export { checkCertificates, type CheckOptions, type CheckResult } from "./check.ts";
export { chartOf, type CoverageChart, renderChart, renderSvg } from "./coverage_chart.ts";
export { journalPlans } from "./journal_plans.ts";
export { type ComparisonNote, noteComparisons } from "./comparison_notes.ts";
export { notePlans, type PlanNote, proofsOf } from "./plan_notes.ts";
export { CertifiedDays, type CertifiedFolder } from "./certified_days.ts";
export { readCertificates } from "./stored.ts";
export { readPublicKey, readSigningKey, type SigningKey } from "./signature.ts";
