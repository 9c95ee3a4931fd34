/**
 * Command lines that run a program where there is nothing but that program and /proc: a root folder
 * of its own, read-only, in namespaces of its own, in which it is process 1. Ports are those of the
 * machine.
 *
 * With what every Debian has (util-linux, coreutils). Root may do this as it is; others as root of
 * a user namespace, where the system lets them.
 */
export interface EmptyRootOptions {
  /** To run as, with no other group; only root can do that. */
  readonly user?: number;
  readonly writable?: boolean;
}

/** The name of the program in its root. */
export const PROGRAM_PATH = "/ringway";

/** Makes `folder` the root of a copy of `executable`. */
export function makeEmptyRoot(executable: string, folder: string): void {
  Deno.mkdirSync(`${folder}/proc`, { recursive: true, mode: 0o755 });
  Deno.chmodSync(folder, 0o755);
  Deno.copyFileSync(executable, folder + PROGRAM_PATH);
  Deno.chmodSync(folder + PROGRAM_PATH, 0o755);
}

/** What to put before PROGRAM_PATH and its arguments. */
export function inEmptyRoot(folder: string, options: EmptyRootOptions = {}): string[] {
  const isRoot = Deno.uid() === 0;
  const remount = options.writable === true ? "" : `mount -o remount,bind,ro "$root"; `;
  const script = `set -e; root=$1; shift; mount --bind "$root" "$root"; ${remount}` +
    `mount -t proc proc "$root/proc"; exec chroot "$@"`;
  const spaces = ["--mount", "--pid", "--fork", "--kill-child"];
  const user = isRoot && options.user !== undefined
    ? [`--userspec=${options.user}:${options.user}`, "--groups="]
    : [];
  return [
    ...["unshare", ...isRoot ? [] : ["--user", "--map-root-user"], ...spaces],
    ...["sh", "-c", script, "sh", folder, ...user, folder],
  ];
}

/** Whether this system lets us. */
export function canEmptyRoot(folder: string): boolean {
  try {
    // No program is there: that is what chroot then says, if it came that far.
    const [program, ...args] = [...inEmptyRoot(folder), "/none"];
    const { stderr } = new Deno.Command(program, { args, stdin: "null" }).outputSync();
    return new TextDecoder().decode(stderr).includes("/none");
  } catch {
    return false;
  }
}
