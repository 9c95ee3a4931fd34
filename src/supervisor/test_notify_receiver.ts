/**
 * A service manager for tests: the receiving end of a NOTIFY_SOCKET, in Perl, because a datagram
 * socket of the file system is nothing that the runtime has without a flag.
 */
const PROGRAM = `
  use Socket;
  my $name = shift;
  (my $bound = $name) =~ s/^@/\\0/;
  socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or die "socket: $!";
  bind($socket, pack("Sa*", AF_UNIX, $bound . ($name =~ /^@/ ? "" : "\\0"))) or die "bind: $!";
  $| = 1;
  print "bound\\n";
  while (defined recv($socket, my $text, 65536, 0)) { $text =~ s/\\n/|/g; print "$text\\n"; }
`;

export class NotifyReceiver implements AsyncDisposable {
  /** What came, one datagram each, with "|" for the ends of lines. */
  readonly received: string[] = [];
  readonly #child: Deno.ChildProcess;
  readonly #read: Promise<void>;
  readonly #bound = Promise.withResolvers<void>();
  #waiting: { readonly text: string; readonly resolve: () => void }[] = [];

  private constructor(address: string) {
    this.#child = new Deno.Command("perl", {
      args: ["-e", PROGRAM, address],
      stdout: "piped",
    }).spawn();
    this.#read = this.#follow();
  }

  /** @param address a path, or "@" and an abstract name. */
  static async open(address: string): Promise<NotifyReceiver> {
    const receiver = new NotifyReceiver(address);
    await receiver.#bound.promise;
    return receiver;
  }

  async #follow(): Promise<void> {
    let rest = "";
    for await (const text of this.#child.stdout.pipeThrough(new TextDecoderStream())) {
      const lines = (rest + text).split("\n");
      rest = lines.pop()!;
      for (const line of lines) this.#take(line);
    }
    this.#bound.reject(new Error("the receiver did not start"));
  }

  #take(line: string): void {
    if (line === "bound") return this.#bound.resolve();
    this.received.push(line);
    for (const { resolve } of this.#waiting.filter(({ text }) => line.includes(text))) resolve();
    this.#waiting = this.#waiting.filter(({ text }) => !line.includes(text));
  }

  /** Settles when a datagram with `text` in it comes after this call. */
  next(text: string): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push({ text, resolve });
    return promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL");
    await this.#read;
    await this.#child.status;
  }
}
