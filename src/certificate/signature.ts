import { canonicalJson, Failure } from "../model/mod.ts";
import type { Certificate, CertificateSignature } from "./certificate.ts";

/** A key to sign certificates with. */
export interface SigningKey {
  readonly key: CryptoKey;
  /** Base64 of the 32 bytes. */
  readonly publicKey: string;
}

/**
 * Reads a private key as `openssl genpkey -algorithm ed25519` writes it (PEM, PKCS #8). Rejects with a `Failure` that
 * does not repeat the text.
 */
export async function readSigningKey(text: string, where: string): Promise<SigningKey> {
  const bytes = pemBytes(text, "PRIVATE KEY");
  try {
    if (bytes === null) throw new TypeError("not PEM");
    const key = await crypto.subtle.importKey("pkcs8", bytes, "Ed25519", true, ["sign"]);
    const { x } = await crypto.subtle.exportKey("jwk", key);
    if (x === undefined) throw new TypeError("no public part");
    const publicKey = x.replaceAll("-", "+").replaceAll("_", "/");
    return { key, publicKey: publicKey.padEnd(Math.ceil(publicKey.length / 4) * 4, "=") };
  } catch (error) {
    if (!(error instanceof TypeError) && !(error instanceof DOMException)) throw error;
    const hint = "make one with: openssl genpkey -algorithm ed25519 -out key.pem";
    throw new Failure("file", `Cannot use ${where}: it holds no Ed25519 private key in PEM; ${hint}`, { retry: false });
  }
}

/** Reads a public key, PEM (`openssl pkey -pubout`) or the base64 of its 32 bytes; returns the base64. */
export function readPublicKey(text: string, where: string): string {
  const pem = pemBytes(text, "PUBLIC KEY");
  // The last 32 bytes of its DER are the key (RFC 8410, section 4).
  const bytes = pem ?? fromBase64(text.trim());
  if (bytes === null || (pem === null ? bytes.length !== 32 : bytes.length !== 44)) {
    throw new Failure("file", `Cannot use ${where}: it holds no Ed25519 public key in PEM or base64`, { retry: false });
  }
  return toBase64(bytes.subarray(bytes.length - 32));
}

/** Returns the certificate with a signature. */
export async function sign(certificate: Certificate, { key, publicKey }: SigningKey): Promise<Certificate> {
  const value = await crypto.subtle.sign("Ed25519", key, signedBytes(certificate));
  const signature: CertificateSignature = {
    algorithm: "Ed25519",
    public_key: publicKey,
    value: toBase64(new Uint8Array(value)),
  };
  return { ...certificate, signature };
}

/** Whether a certificate's signature is valid. */
export async function isSigned(certificate: Certificate): Promise<boolean> {
  const { signature } = certificate;
  const publicKey = fromBase64(signature?.public_key ?? "");
  const value = fromBase64(signature?.value ?? "");
  if (signature?.algorithm !== "Ed25519" || publicKey?.length !== 32 || value === null) return false;
  const key = await crypto.subtle.importKey("raw", publicKey, "Ed25519", false, ["verify"]);
  return await crypto.subtle.verify("Ed25519", key, value, signedBytes(certificate));
}

function signedBytes({ signature: _signature, ...certificate }: Certificate): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(canonicalJson(certificate));
}

function pemBytes(text: string, label: string): Uint8Array<ArrayBuffer> | null {
  const body = new RegExp(`-----BEGIN ${label}-----([\\sA-Za-z0-9+/=]+)-----END ${label}-----`).exec(text)?.[1];
  return body === undefined ? null : fromBase64(body.replace(/\s/g, ""));
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  if (text === "" || !/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return null;
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function toBase64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}
