/**
 * From a seccomp profile in Docker's format to the filter that a container runtime would make of
 * it, as far as our profile goes: allow lists, conditions on arguments, answers. So that a test can
 * put a program under it without Docker and without libseccomp.
 *
 * The numbers of system calls are the compiler's, which carries the kernel's headers.
 */
import { provideCompiler } from "../../scripts/compiler.ts";
import { run } from "../../scripts/command.ts";

export interface Condition {
  /** Of the argument. */
  readonly index: number;
  readonly value: number;
  /** Of a masked comparison: what must be left; `value` is the mask then. */
  readonly valueTwo?: number;
  readonly op: "SCMP_CMP_EQ" | "SCMP_CMP_MASKED_EQ";
}

export interface Rule {
  readonly comment?: string;
  readonly names: readonly string[];
  readonly action: "SCMP_ACT_ALLOW" | "SCMP_ACT_ERRNO";
  readonly errnoRet?: number;
  readonly args?: readonly Condition[];
}

export interface Profile {
  readonly defaultAction: "SCMP_ACT_ERRNO";
  readonly defaultErrnoRet: number;
  readonly archMap: readonly { readonly architecture: string }[];
  readonly syscalls: readonly Rule[];
}

export type CallNumbers = ReadonlyMap<string, number>;

/** Of an architecture, by the names of the profile. */
export async function readCallNumbers(
  root: string,
  arch: string = Deno.build.arch,
): Promise<CallNumbers> {
  const { program, env } = await provideCompiler(`${root}/.cache`);
  const folder = Deno.makeTempDirSync({ prefix: "ringway-calls-" });
  try {
    const source = `${folder}/calls.c`;
    Deno.writeTextFileSync(source, "#include <asm/unistd.h>\n");
    const args = ["cc", "-target", `${arch}-linux-musl`, "-E", "-dM", source];
    const { ok, stdout, stderr } = await run({ program, args, env, step: "reading numbers" });
    if (!ok) throw new Error(`no numbers of system calls: ${stderr}`);
    const rows = stdout.matchAll(/^#define __NR_(\w+) (\d+)$/gm);
    return new Map(Array.from(rows, ([, name, number]) => [name, Number(number)]));
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

// include/uapi/linux/bpf_common.h, seccomp.h, audit.h
const LOAD_WORD = 0x20;
const AND = 0x54;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_AT_LEAST = 0x35;
const RETURN = 0x06;
const ALLOW = 0x7fff_0000;
const ERRNO = 0x0005_0000;
const KILL = 0x8000_0000;
const NUMBER_AT = 0;
const ARCH_AT = 4;
const ARGUMENTS_AT = 16;
const ARCHES: Readonly<Record<string, number>> = { x86_64: 0xc000_003e, aarch64: 0xc000_00b7 };
/** From here on the numbers of x86-64 are those of another interface (x32). */
const FOREIGN_NUMBERS = 0x4000_0000;

/** Code, jump if true, jump if false, operand: jumps count what they skip. */
type Instruction = readonly [code: number, yes: number, no: number, operand: number];

/** The call with that number, if its arguments are such, gets that answer; else what follows. */
function ruleCode(number: number, { action, errnoRet = 1, args = [] }: Rule): Instruction[] {
  const tests: Instruction[][] = [
    [[LOAD_WORD, 0, 0, NUMBER_AT], [JUMP_IF_EQUAL, 0, -1, number]],
    ...args.map(({ index, op, value, valueTwo = 0 }): Instruction[] => {
      // The low half: what is compared here has no more bits (of what the kernel looks at).
      const load: Instruction = [LOAD_WORD, 0, 0, ARGUMENTS_AT + 8 * index];
      if (op === "SCMP_CMP_EQ") return [load, [JUMP_IF_EQUAL, 0, -1, value]];
      return [load, [AND, 0, 0, value], [JUMP_IF_EQUAL, 0, -1, valueTwo]];
    }),
  ];
  const answer = action === "SCMP_ACT_ALLOW" ? ALLOW : ERRNO | errnoRet;
  const code: Instruction[] = [...tests.flat(), [RETURN, 0, 0, answer]];
  // -1 stands for "behind all this".
  return code.map(([operation, yes, no, operand], at) => {
    return [operation, yes, no < 0 ? code.length - at - 1 : no, operand];
  });
}

/** struct sock_filter, one behind another, for this machine. */
export function makeFilter(profile: Profile, numbers: CallNumbers): Uint8Array {
  const code: Instruction[] = [
    [LOAD_WORD, 0, 0, ARCH_AT],
    [JUMP_IF_EQUAL, 1, 0, ARCHES[Deno.build.arch]],
    [RETURN, 0, 0, KILL],
    [LOAD_WORD, 0, 0, NUMBER_AT],
    [JUMP_IF_AT_LEAST, 0, 1, FOREIGN_NUMBERS],
    [RETURN, 0, 0, ERRNO | profile.defaultErrnoRet],
  ];
  for (const rule of profile.syscalls) {
    for (const name of rule.names) {
      const number = numbers.get(name);
      // Each architecture has calls that others have not; runtimes skip them as well.
      if (number !== undefined) code.push(...ruleCode(number, rule));
    }
  }
  code.push([RETURN, 0, 0, ERRNO | profile.defaultErrnoRet]);
  const bytes = new DataView(new ArrayBuffer(8 * code.length));
  for (const [at, [operation, yes, no, operand]] of code.entries()) {
    bytes.setUint16(8 * at, operation, true);
    bytes.setUint8(8 * at + 2, yes);
    bytes.setUint8(8 * at + 3, no);
    bytes.setUint32(8 * at + 4, operand, true);
  }
  return new Uint8Array(bytes.buffer);
}
