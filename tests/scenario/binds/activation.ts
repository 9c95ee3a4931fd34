/**
 * A launcher that does what systemd does for a socket unit (sd_listen_fds(3)): makes the sockets,
 * passes them as files 3 and up, and says so in the environment of the program it becomes.
 */

/**
 * What is passed: `tcp`, `udp` at `address:port`, or `unix` at a path; under a name. [::] takes
 * IPv4 as well, as with a unit that does not say otherwise (BindIPv6Only=).
 */
export interface PassedSocket {
  readonly name: string;
  readonly kind: "tcp" | "udp" | "unix";
  readonly at: string;
}

const FIRST_FD = 3;

/** Put before a command line. Perl gives the sockets their numbers, in order of making. */
export function withSockets(sockets: readonly PassedSocket[]): string[] {
  const open = sockets.map(({ kind, at }, i) => {
    const make = kind === "unix"
      ? `IO::Socket::UNIX->new(Local => "${at}", Listen => 128)`
      : `IO::Socket::IP->new(LocalAddr => "${at}", V6Only => 0, ${
        kind === "udp" ? 'Proto => "udp"' : "Listen => 128"
      })`;
    return `my $s${i} = ${make} or die "socket ${i}: $!"; place($s${i}, ${FIRST_FD + i});`;
  });
  const names = sockets.map(({ name }) => name).join(":");
  const program = `
    use IO::Socket::IP; use IO::Socket::UNIX; use POSIX ();
    # Files up to this number are not closed by exec.
    BEGIN { $^F = ${FIRST_FD + sockets.length - 1}; }
    sub place {
      my ($socket, $fd) = @_;
      return if fileno($socket) == $fd;
      POSIX::dup2(fileno($socket), $fd) // die "dup2: $!";
    }
    ${open.join("\n")}
    $ENV{LISTEN_FDS} = ${sockets.length};
    $ENV{LISTEN_FDNAMES} = "${names}";
    $ENV{LISTEN_PID} = $$;
    exec @ARGV or die "exec: $!";
  `;
  return ["perl", "-e", program, "--"];
}
