/**
 * Command lines that execute another one with less than it would have: fewer open files, fewer
 * privileges, fewer system calls. With what every Debian has: sh, util-linux, perl.
 */

/** With so many open files at most, for it and its children. */
export function withOpenFiles(count: number): string[] {
  return ["sh", "-c", `ulimit -n ${count}; exec "$@"`, "sh"];
}

/** With so many bytes of locked memory at most; root, who has no such limit, without that right. */
export function withLockedMemory(bytes: number): string[] {
  const limit = ["prlimit", `--memlock=${bytes}:${bytes}`];
  return Deno.uid() === 0 ? [...limit, "setpriv", "--bounding-set", "-ipc_lock"] : limit;
}

/** In a network namespace of its own; who is not root gets one as root of a user namespace. */
function inNetwork(): string[] {
  return ["unshare", "--net", ...(Deno.uid() === 0 ? [] : ["--map-root-user"])];
}

/**
 * Not allowed to bind a port below 1024: root without the capability, in a network in which nobody
 * has lowered that number, as container runtimes do.
 */
export function withoutLowPorts(): string[] {
  return [...inNetwork(), "setpriv", "--bounding-set", "-net_bind_service"];
}

// include/uapi/linux/sockios.h, if.h
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;
const SOCKET_BYTES = 8 * 1024;

/** In a network of its own, loopback only, with these numbers under /proc/sys/net. */
function withNetworkNumbers(numbers: Readonly<Record<string, string>>): string[] {
  const pairs = Object.entries(numbers).map(([name, value]) => `"${name}" => "${value}"`);
  const program = `
    use Socket;
    socket(my $socket, AF_INET, SOCK_DGRAM, 0) or die "socket: $!";
    my $loopback = pack("a16Sx22", "lo", ${IFF_UP});
    ioctl($socket, ${SIOCSIFFLAGS}, $loopback) or die "lo: $!";
    my %numbers = (${pairs.join(", ")});
    for my $name (keys %numbers) {
      open(my $file, ">", "/proc/sys/net/$name") or die "$name: $!";
      print $file $numbers{$name};
      close $file or die "$name: $!";
    }
    exec @ARGV or die "exec: $!";
  `;
  return [...inNetwork(), "perl", "-e", program, "--"];
}

/** Where the kernel gives sockets small buffers that do not grow. */
export function withSmallSockets(): string[] {
  const sizes = `4096 ${SOCKET_BYTES} ${SOCKET_BYTES}`;
  return withNetworkNumbers({ "ipv4/tcp_wmem": sizes, "ipv4/tcp_rmem": sizes });
}

/** Where IPv6 has no addresses, as container runtimes have it: its sockets lead nowhere. */
export function withoutIpv6Addresses(): string[] {
  return withNetworkNumbers({ "ipv6/conf/all/disable_ipv6": "1" });
}

/** System call numbers: the first is the same on all machines. */
const IO_URING_SETUP = 425;
const PRCTL = Deno.build.arch === "x86_64" ? 157 : 167;
// include/uapi/linux/prctl.h, seccomp.h, bpf_common.h
const PR_SET_SECCOMP = 22;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_MODE_FILTER = 2;
const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
const ANSWER_EPERM = 0x0005_0001;
const ALLOW = 0x7fff_0000;

/** Under a seccomp filter that refuses io_uring_setup, as container runtimes have it. */
export function withoutIoUring(): string[] {
  const program = `
    my $filter = join("",
      pack("SCCL", ${LOAD_WORD}, 0, 0, 0),
      pack("SCCL", ${JUMP_IF_EQUAL}, 0, 1, ${IO_URING_SETUP}),
      pack("SCCL", ${RETURN}, 0, 0, ${ANSWER_EPERM}),
      pack("SCCL", ${RETURN}, 0, 0, ${ALLOW}));
    my $list = pack("Sx6J", 4, unpack("J", pack("P", $filter)));
    syscall(${PRCTL}, ${PR_SET_NO_NEW_PRIVS}, 1, 0, 0, 0) == 0 or die "no_new_privs: $!";
    syscall(${PRCTL}, ${PR_SET_SECCOMP}, ${SECCOMP_MODE_FILTER}, $list) == 0 or die "seccomp: $!";
    exec @ARGV or die "exec: $!";
  `;
  return ["perl", "-e", program, "--"];
}
