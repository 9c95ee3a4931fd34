/**
 * Runs executables of another processor, by qemu, so that what is made for it is tried too.
 *
 * The executable executes what it has unpacked, so the kernel must know of the emulator: by
 * binfmt_misc, of which each user namespace has its own since Linux 6.7. Nothing is changed for the
 * rest of the machine. Inside, the program must be in an empty root (empty_root.ts): the emulator
 * answers what /proc/self/exe is by looking for the file, and for a memory file that is a file of
 * its name in the root, which is put there.
 */
import { findProgram } from "../command.ts";
import type { Target } from "./target.ts";

/** Of an ELF file of 64 bits for ARM, little endian; the type may be program or library. */
const MAGIC = "\\x7fELF\\x02\\x01\\x01\\x00" + "\\x00".repeat(8) + "\\x02\\x00\\xb7\\x00";
const MASK = "\\xff".repeat(7) + "\\x00" + "\\xff".repeat(8) + "\\xfe" + "\\xff".repeat(3);
/** What the loader's memory file is called by readlink(2). */
const LOADER_NAME = "memfd:ringway:ld.so (deleted)";

/**
 * What to put before the command that makes the empty root; undefined where nothing emulates.
 * @param root the empty root
 */
export function inEmulation(target: Target, root: string): string[] | undefined {
  const emulator = findProgram(`qemu-${target.arch}-static`);
  if (target.arch !== "aarch64" || emulator === undefined) return undefined;
  const rule = `:ringway-${target.arch}:M::${MAGIC}:${MASK}:${emulator}:F`;
  const folder = "/proc/sys/fs/binfmt_misc";
  const script = `set -e; mount -t binfmt_misc none ${folder}; ` +
    `printf %s '${rule}' > ${folder}/register; exec "$@"`;
  const command = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"];
  const [program, ...args] = [...command, "true"];
  try {
    const isAllowed = new Deno.Command(program, { args, stderr: "null" }).outputSync().success;
    if (!isAllowed) return undefined;
  } catch {
    return undefined;
  }
  Deno.mkdirSync(root, { recursive: true });
  Deno.writeTextFileSync(`${root}/${LOADER_NAME}`, "");
  return command;
}
