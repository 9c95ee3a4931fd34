/**
 * The two machines that executables are made for, and what each part of the build calls them.
 */
export interface Target {
  /** As in the file's name: ringway-linux-x64. */
  readonly name: string;
  /** Deno's and zig's word. */
  readonly arch: typeof Deno.build.arch;
  readonly debianArchitecture: string;
  /** The dynamic loader's file name, which is part of the ABI. */
  readonly loader: string;
  /** The npm package that carries this machine's runtime. */
  readonly runtimePackage: string;
  /** What the "cpu" of that package says. */
  readonly npmArchitecture: string;
}

const TARGETS: readonly Target[] = [
  {
    name: "linux-x64",
    arch: "x86_64",
    debianArchitecture: "amd64",
    loader: "ld-linux-x86-64.so.2",
    runtimePackage: "@deno/linux-x64-glibc",
    npmArchitecture: "x64",
  },
  {
    name: "linux-arm64",
    arch: "aarch64",
    debianArchitecture: "arm64",
    loader: "ld-linux-aarch64.so.1",
    runtimePackage: "@deno/linux-arm64-glibc",
    npmArchitecture: "arm64",
  },
];

export const TARGET_NAMES: readonly string[] = TARGETS.map(({ name }) => name);

export function findTarget(name: string): Target | undefined {
  return TARGETS.find((target) => target.name === name);
}

/** This machine. */
export function ownTarget(): Target {
  return TARGETS.find(({ arch }) => arch === Deno.build.arch)!;
}

/** The name of the executable in dist/. */
export function executableName(target: Target): string {
  return `ringway-${target.name}`;
}
