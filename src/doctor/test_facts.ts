/**
 * For tests: a machine that has everything, as one with which nothing is wrong, and configurations
 * from text. A test names what differs.
 */
import type { Config } from "../config/config.ts";
import { parseConfig } from "../config/parse_config.ts";
import type { Facts } from "./facts.ts";

export const HEALTHY: Facts = {
  kernel: "6.18.2",
  hasProc: true,
  uring: { features: 0x3_ffff },
  receiveAllowance: true,
  seccompMode: 0,
  landlock: 6,
  memfdNoexec: 0,
  clock: "tsc",
  hugePages: "madvise",
  uid: 65532,
  capabilities: 0n,
  unprivilegedPort: 1024,
  filesMax: 1 << 20,
  lockedBytesMax: 8 << 20,
  cpus: [0, 1],
  quota: Infinity,
  memoryBytes: 2 ** 33,
  somaxconn: 4096,
  synCookies: 1,
  localPorts: "32768\t60999\n",
  receiveBufferMax: 4 << 20,
  conntrack: null,
  hardening: {
    done: ["ring_restrictions", "files", "no_new_privs", "landlock", "capabilities", "seccomp"],
    failure: null,
  },
};

/** @param listener what its section holds besides the backend; `more` stands behind everything. */
export function configOf(listener: string, more = "", backend = "servers: [10.0.0.1:80]"): Config {
  const text = `
listeners:
  web: { backend: app, ${listener} }
backends:
  app: { ${backend} }
${more}
`;
  const { config, diagnostics } = parseConfig(text, "test.yaml", {});
  if (config === null) throw new Error(JSON.stringify(diagnostics));
  return config;
}
