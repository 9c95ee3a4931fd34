/**
 * A command line that puts a program into a container as an OCI runtime does (runc, crun): its own
 * mounts, processes and network, a read-only root, /proc and a few devices, user 65532, no
 * capabilities, no_new_privs, a system call filter. With what every Debian has: util-linux, perl.
 *
 * Root makes it as Docker does. Who is not root gets a user namespace besides, in which he is that
 * user, as rootless runtimes do.
 */
import type { CallNumbers } from "./seccomp_filter.ts";

export const CONTAINER_USER = 65532;

export interface ContainerOptions {
  /** The unpacked image; nothing is written to it. */
  readonly root: string;
  /** Mounted at /etc/ringway, read-only. */
  readonly configFolder: string;
  /** See seccomp_filter.ts; null: none. */
  readonly filter: Uint8Array | null;
  readonly numbers: CallNumbers;
}

// include/uapi/linux/mount.h, prctl.h, seccomp.h, sockios.h, if.h
const MS_RDONLY = 1;
const MS_NOSUID = 2;
const MS_NODEV = 4;
const MS_NOEXEC = 8;
const MS_REMOUNT = 32;
const MS_BIND = 4096;
const PR_CAPBSET_DROP = 24;
const PR_CAP_AMBIENT = 47;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;
const PR_SET_NO_NEW_PRIVS = 38;
const PR_SET_SECCOMP = 22;
const SECCOMP_MODE_FILTER = 2;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;
const CAPABILITIES = 41;

function makeProgram(numbers: CallNumbers): string {
  const call = (name: string) => {
    const number = numbers.get(name);
    if (number === undefined) throw new Error(`no system call "${name}"`);
    return number;
  };
  const sealed = MS_NOSUID | MS_NODEV | MS_NOEXEC;
  return `
    use strict;
    use Socket;
    my ($root, $config, $filter, @command) = @ARGV;

    # syscall() takes no constants: it might write to them.
    sub call { my ($what, $number, @rest) = @_;
      syscall($number, @rest) >= 0 or die "$what: $!\\n"; }
    sub place { my ($source, $target, $type, $flags, $options) = @_;
      call("mount $target", ${call("mount")}, $source, $target, $type, $flags + 0, $options); }
    sub seal { my ($target, $flags) = @_;
      place("none", $target, "", ${MS_REMOUNT | MS_BIND | MS_RDONLY} | $flags, ""); }

    # A network of its own begins with a loopback that is down.
    socket(my $socket, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
    my $loopback = pack("a16Sx22", "lo", ${IFF_UP});
    ioctl($socket, ${SIOCSIFFLAGS}, $loopback) or die "lo: $!";
    close $socket;

    place($root, $root, "", ${MS_BIND}, "");
    place($config, "$root/etc/ringway", "", ${MS_BIND}, "");
    place("proc", "$root/proc", "proc", ${sealed}, "");
    place("$root/proc/sys", "$root/proc/sys", "", ${MS_BIND}, "");
    place("tmpfs", "$root/dev", "tmpfs", ${MS_NOSUID | MS_NOEXEC}, "mode=755");
    for my $name (qw(null zero full random urandom)) {
      open(my $file, ">", "$root/dev/$name") or die "$name: $!";
      place("/dev/$name", "$root/dev/$name", "", ${MS_BIND}, "");
    }
    my $user = ${CONTAINER_USER};
    place("tmpfs", "$root/run/ringway", "tmpfs", ${sealed}, "mode=700,uid=$user,gid=$user");
    seal("$root/etc/ringway", 0);
    seal("$root/proc/sys", ${sealed});
    seal($root, 0);
    chdir($root) or die "chdir: $!";
    chroot(".") or die "chroot: $!";

    for (my $each = 0; $each < ${CAPABILITIES}; $each++) {
      syscall(${call("prctl")}, ${PR_CAPBSET_DROP}, $each, 0, 0, 0);
    }
    # Refused in a user namespace, where there are no other groups.
    syscall(${call("setgroups")}, 0, 0);
    call("setresgid", ${call("setresgid")}, $user, $user, $user);
    call("setresuid", ${call("setresuid")}, $user, $user, $user);
    call("ambient", ${call("prctl")}, ${PR_CAP_AMBIENT}, ${PR_CAP_AMBIENT_CLEAR_ALL}, 0, 0, 0);
    call("no_new_privs", ${call("prctl")}, ${PR_SET_NO_NEW_PRIVS}, 1, 0, 0, 0);
    if ($filter ne "") {
      my $code = pack("H*", $filter);
      my $list = pack("Sx6J", length($code) / 8, unpack("J", pack("P", $code)));
      call("seccomp", ${call("prctl")}, ${PR_SET_SECCOMP}, ${SECCOMP_MODE_FILTER}, $list, 0, 0);
    }
    exec { $command[0] } @command or die "exec: $!\\n";
  `;
}

/** Put in front of a command line of the container. The first process ends with its last. */
export function inContainer(options: ContainerOptions): string[] {
  const { root, configFolder, filter, numbers } = options;
  const user = Deno.uid() === 0
    ? []
    : ["--user", `--map-user=${CONTAINER_USER}`, `--map-group=${CONTAINER_USER}`, "--keep-caps"];
  const program = makeProgram(numbers);
  const code = filter === null ? "" : filter.toHex();
  return [
    ...["unshare", ...user, "--mount", "--pid", "--net", "--fork"],
    ...["perl", "-e", program, "--", root, configFolder, code],
  ];
}
