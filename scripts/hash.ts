/** The hash by which files are compared here, in records and in SHA256SUMS: SHA-256, as hex. */
export async function hashBytes(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}
