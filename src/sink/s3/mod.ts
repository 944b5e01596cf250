import { z } from "zod";
import { httpsCaKey } from "../endpoint_keys.ts";
import { shownAddress } from "../http_client.ts";
import { WAIT_FACTOR } from "../parquet/flush_schedule.ts";
import { LAYOUTS } from "../parquet/partition.ts";
import { DEADLINES, sinkType } from "../sink_type.ts";
import { S3Sink } from "./s3_sink.ts";

/** Parquet in a bucket of S3, or of a store that speaks its protocol. */
export const S3 = sinkType({
  name: "s3",
  summary: "Hive-partitioned Parquet objects in a bucket of S3 or of a store that speaks its protocol",
  keys: {
    url: z.string().regex(/^https?:\/\/[^/@]+\/?$/).meta({
      title: "an address such as `https://s3.eu-central-1.amazonaws.com`",
    })
      .describe("Address of the service without the bucket, such as `https://s3.eu-central-1.amazonaws.com`"),
    bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/).meta({ title: "the name of a bucket" }).describe(
      "Bucket; it has to exist",
    ),
    prefix: z.string().regex(/^(?:[A-Za-z0-9_.=-]+\/)*[A-Za-z0-9_.=-]*\/?$/).max(200).default("").describe(
      "Begin of the key of every object, such as `market/`",
    ),
    region: z.string().min(1).default("us-east-1").describe("Region that requests are signed for"),
    style: z.enum(["path", "virtual"]).default("path").describe(
      "Where the bucket stands: `path` behind the host, `virtual` before it",
    ),
    access_key_id: z.string().min(1).describe("Id of the access key, from the environment: `${AWS_ACCESS_KEY_ID}`"),
    secret_access_key: z.string().min(1).describe("The access key's secret: `${AWS_SECRET_ACCESS_KEY}`"),
    session_token: z.string().min(1).optional().describe("Token of temporary credentials: `${AWS_SESSION_TOKEN}`"),
    ca_path: httpsCaKey,
    part_seconds: z.number().positive().default(300).describe(
      "Parts are closed after this many seconds; the first ones of a start sooner, and where `files_per_hour` asks for it " +
        "later, at most after four times as many",
    ),
    part_rows: z.int().min(1).default(1_000_000).describe("Parts are closed at this many rows"),
    files_per_hour: z.int().min(1).default(2000).describe("Where more objects would come in an hour, parts wait"),
    layout: z.enum(LAYOUTS).default("exchange").describe(
      "`exchange`: an object holds all symbols of a kind and exchange; `symbol`: each symbol has a prefix of its own",
    ),
    exact_digits: z.boolean().default(false).describe(
      "Adds a text column with the exact digits beside each DOUBLE price and size",
    ),
  },
  sample: { url: "http://localhost:9000", bucket: "market", access_key_id: "id", secret_access_key: "secret" },
  folder: () => null,
  describe: ({ url, bucket, prefix }) =>
    `parquet in bucket ${bucket} at ${shownAddress(url)}, prefix ${JSON.stringify(prefix)}`,
  replayUsage: null,
  replayKeys: () => null,
  capabilities: { exactlyOnce: true, writesInFlight: 1, deadlines: DEADLINES },
  flush: (options) => ({ everyMs: options.part_seconds * 1000 * WAIT_FACTOR, bytes: null, events: null }),
  create: (options, context) =>
    new S3Sink({
      bucket: {
        url: options.url,
        bucket: options.bucket,
        region: options.region,
        style: options.style,
        accessKeyId: options.access_key_id,
        secretAccessKey: options.secret_access_key,
        sessionToken: options.session_token ?? null,
        caPath: options.ca_path ?? null,
      },
      prefix: options.prefix === "" || options.prefix.endsWith("/") ? options.prefix : `${options.prefix}/`,
      partMs: options.part_seconds * 1000,
      partRows: options.part_rows,
      filesPerHour: options.files_per_hour,
      layout: options.layout,
      exactDigits: options.exact_digits,
    }, context),
});
