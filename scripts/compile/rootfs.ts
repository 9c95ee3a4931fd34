/**
 * The root file system of the container image, as a tar archive: the executable and the folders
 * that a container needs to be there. The same archive is what config/container/Dockerfile adds,
 * what `docker import` takes, and what any other runtime may unpack.
 */
import { makeTar, type TarEntry } from "./tar_archive.ts";

/** The user of the image, as the Dockerfile has it. */
export const IMAGE_USER = 65532;
/** Where the executable is in it: on the PATH that runtimes give a container. */
export const IMAGE_PROGRAM = "usr/bin/ringway";

function folder(path: string, owner = 0, mode = 0o755): TarEntry {
  return { path: `${path}/`, mode, owner };
}

/**
 * Writes the archive.
 * @param executable path of the program.
 * @param archive path of what is written.
 */
export function makeRootfs(executable: string, archive: string): void {
  const entries = [
    folder("dev"), // where runtimes mount, for which a read-only root has no other place
    folder("etc"),
    folder("etc/ringway"),
    folder("proc"),
    folder("run"),
    // Open to all, as /tmp is: a tmpfs that a runtime mounts here has this mode, but root's owner.
    folder("run/ringway", IMAGE_USER, 0o1777),
    folder("sys"),
    folder("usr"),
    folder("usr/bin"),
    { path: IMAGE_PROGRAM, mode: 0o755, owner: 0, bytes: Deno.readFileSync(executable) },
  ];
  Deno.writeFileSync(archive, makeTar(entries));
}
