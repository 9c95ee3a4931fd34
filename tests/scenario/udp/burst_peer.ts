/**
 * A socket of UDP that sends in bursts, as programs in bulk do: the kernel gets many datagrams in
 * one send and is told where to cut (UDP_SEGMENT, udp(7)). No runtime offers that, so it is a few
 * lines of perl, told by lines what to send, and writing what it gets, one datagram a line. It
 * receives without UDP_GRO: what it gets is what any program would.
 */
import { Program } from "../real/program.ts";
import { until } from "../until.ts";

// linux/udp.h
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const DATAGRAM_BYTES_MAX = 65_535;
const BUFFER_BYTES = 1 << 20;

/** Arguments: bind or connect, address, port. Who is bound sends to whom it has heard last. */
const PROGRAM = `
  use Socket qw(:DEFAULT inet_pton pack_sockaddr_in6);
  my ($mode, $host, $port) = @ARGV;
  my $is_six = $host =~ /:/;
  my $family = $is_six ? AF_INET6 : AF_INET;
  my $ip = inet_pton($family, $host);
  my $place = $is_six ? pack_sockaddr_in6($port, $ip) : pack_sockaddr_in($port, $ip);
  socket(my $socket, $family, SOCK_DGRAM, 0) or die "socket: $!";
  setsockopt($socket, SOL_SOCKET, $_, ${BUFFER_BYTES}) for SO_SNDBUF, SO_RCVBUF;
  ($mode eq "bind" ? bind($socket, $place) : connect($socket, $place)) or die "$mode: $!";
  syswrite(STDOUT, "ready\\n");
  my ($peer, $orders) = (undef, "");
  for (;;) {
    my $readable = "";
    vec($readable, fileno($_), 1) = 1 for \\*STDIN, $socket;
    select($readable, undef, undef, undef);
    if (vec($readable, fileno($socket), 1)) {
      my $from = recv($socket, my $bytes, ${DATAGRAM_BYTES_MAX}, 0);
      if (defined $from) {
        $peer = $from if $mode eq "bind";
        syswrite(STDOUT, "got " . unpack("H*", $bytes) . ".\\n");
      }
    }
    if (vec($readable, fileno(STDIN), 1)) {
      sysread(STDIN, $orders, 1 << 16, length($orders)) or exit;
      while ($orders =~ s/^(\\d+) ([0-9a-f]*)\\n//) {
        my ($segment, $bytes) = ($1, pack("H*", $2));
        setsockopt($socket, ${SOL_UDP}, ${UDP_SEGMENT}, pack("i", $segment)) or die "cut: $!";
        my $sent = defined $peer ? send($socket, $bytes, 0, $peer) : send($socket, $bytes, 0);
        defined $sent or die "send: $!";
        syswrite(STDOUT, "sent\\n");
      }
    }
  }
`;

/** Many datagrams of `segment` bytes, the last may have less; or with 0 one of any size. */
export interface Burst {
  readonly segment: number;
  readonly bytes: Uint8Array;
}

export class BurstPeer implements AsyncDisposable {
  #sentCount = 0;

  private constructor(readonly program: Program) {}

  /** @param launcher put before the command line. */
  static async start(
    mode: "bind" | "connect",
    hostname: string,
    port: number,
    launcher: readonly string[] = [],
  ): Promise<BurstPeer> {
    const command = ["perl", "-e", PROGRAM, "--", mode, hostname, String(port)];
    const program = new Program([...launcher, ...command]);
    await program.untilWritten(/ready/);
    return new BurstPeer(program);
  }

  /** All in one go, one send for each; settles when that is done. */
  async send(bursts: readonly Burst[]): Promise<void> {
    const orders = bursts.map(({ segment, bytes }) => `${segment} ${bytes.toHex()}\n`);
    await this.program.tell(orders.join(""));
    this.#sentCount += bursts.length;
    await until(`${this.#sentCount} bursts are sent`, () => {
      return (this.program.log.match(/^sent$/gm)?.length ?? 0) === this.#sentCount;
    }, { state: () => this.program.log.slice(-300) });
  }

  /** Each datagram that has come, in hexadecimal. */
  get received(): string[] {
    return Array.from(this.program.log.matchAll(/^got ([0-9a-f]*)\.$/gm), ([, hex]) => hex);
  }

  async untilReceived(count: number, state: () => string): Promise<void> {
    await until(`${count} datagrams have come`, () => this.received.length >= count, {
      state: () => `${this.received.length} have\n${this.program.log.slice(-300)}\n${state()}`,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.program[Symbol.asyncDispose]();
  }
}

/** The datagrams that bursts are when they are cut, in hexadecimal. */
export function cutBursts(bursts: readonly Burst[]): string[] {
  return bursts.flatMap(({ segment, bytes }) => {
    if (segment === 0) return [bytes.toHex()];
    const count = Math.ceil(bytes.length / segment);
    return Array.from({ length: count }, (_, i) => {
      return bytes.subarray(i * segment, (i + 1) * segment).toHex();
    });
  });
}
