/**
 * Certificates that sign themselves, made by OpenSSL for one test, in a folder that goes with them.
 * Nobody trusts them and nobody is asked to: they tell TLS servers apart.
 */
import { runProgram } from "./program.ts";

export interface Certificate extends Disposable {
  readonly certificateFile: string;
  readonly keyFile: string;
}

/** @param name of its subject; short, for it stands in what clients print. */
export async function makeCertificate(name: string): Promise<Certificate> {
  const folder = Deno.makeTempDirSync({ prefix: "ringway-certificate-" });
  const certificateFile = `${folder}/certificate.pem`;
  const keyFile = `${folder}/key.pem`;
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"];
  const files = ["-keyout", keyFile, "-out", certificateFile];
  await runProgram([
    ...["openssl", "req", "-x509", ...key, ...files, "-days", "2", "-subj", `/CN=${name}`],
  ]);
  return {
    certificateFile,
    keyFile,
    [Symbol.dispose]: () => Deno.removeSync(folder, { recursive: true }),
  };
}
