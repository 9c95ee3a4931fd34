import assert from "node:assert/strict";
import fc from "fast-check";
import {
  CLIENT_HELLO_BYTES_MAX,
  ClientHello,
  DONE,
  INCOMPLETE,
  VIOLATION,
} from "./client_hello.ts";
import { VIOLATIONS } from "./hello_violation.ts";
import {
  alpn,
  extension,
  makeHello,
  makeMessage,
  nameEntry,
  record,
  serverName,
  sized,
  toRecords,
} from "./test_hello.ts";

const VECTORS = `${import.meta.dirname}/../../../tests/vectors/client_hello`;
const GREASE = [0x0a, 0x1a, 0x2a, 0xfa].map((byte) => [byte, byte]);
const utf8 = new TextEncoder();

interface Reading {
  readonly verdict: number;
  readonly helloBytes: number;
  readonly sni: string;
  readonly protocols: readonly string[];
  /** The text of the violation and the alert, or "". */
  readonly refusal: string;
}

const shared = new ClientHello();

/** One parser for all tests: what a connection leaves behind must not show in the next. */
function read(bytes: Uint8Array | readonly number[], start = 0, end = bytes.length): Reading {
  const hello = shared;
  const verdict = hello.parse(Uint8Array.from(bytes), start, end);
  const protocols: string[] = [];
  for (let at = 0; at < hello.alpnLength; at += 1 + hello.alpnBytes[at]) {
    const protocol = hello.alpnBytes.subarray(at + 1, at + 1 + hello.alpnBytes[at]);
    protocols.push(String.fromCharCode(...protocol));
  }
  assert.equal(hello.alpnCount, protocols.length);
  const first = hello.firstAlpnStart;
  const firstAlpn = hello.alpnBytes.subarray(first, first + hello.firstAlpnLength);
  assert.equal(String.fromCharCode(...firstAlpn), protocols[0] ?? "");
  if (verdict !== VIOLATION) assert.deepEqual([hello.violation, hello.alert], [-1, 0]);
  const refusal = verdict === VIOLATION ? `${VIOLATIONS[hello.violation]} (${hello.alert})` : "";
  return { verdict, helloBytes: hello.helloBytes, sni: hello.sni, protocols, refusal };
}

function assertRefused(bytes: Uint8Array | readonly number[], refusal: string): void {
  const found = read(bytes);
  assert.equal(found.refusal, refusal);
  assert.equal(found.verdict, VIOLATION);
  assert.deepEqual([found.helloBytes, found.sni, found.protocols], [0, "", []]);
}

function refuseName(name: string, refusal: string): void {
  assertRefused(makeHello(serverName(name)), refusal);
}

const NOT_HOST_NAME = "server name is not a host name (47)";
const BAD_LENGTHS = "lengths within the ClientHello do not add up (50)";
const BAD_NAME_LIST = "malformed server_name extension (50)";
const BAD_ALPN = "malformed ALPN extension (50)";
const TOO_LONG = "ClientHello too long (47)";

const REAL: readonly (readonly [string, string, readonly string[]])[] = [
  ["openssl_tls13", "www.example.com", ["h2", "http/1.1"]],
  ["openssl_tls12_no_name", "", []],
  ["curl", "curl.example", ["h2", "http/1.1"]],
  ["rustls", "localhost", ["h2", "http/1.1"]],
  ["boringssl_grease", "www.example.com", ["h2", "http/1.1"]],
  ["boringssl_post_quantum", "shop.example.org", ["h2", "http/1.1"]],
];

for (const [name, sni, protocols] of REAL) {
  Deno.test(`the bytes that ${name} sent are read, and each prefix of them waits for more`, () => {
    const bytes = Deno.readFileSync(`${VECTORS}/${name}.bin`);
    const { length } = bytes;
    assert.deepEqual(read(bytes), {
      verdict: DONE,
      helloBytes: length,
      sni,
      protocols,
      refusal: "",
    });
    for (let end = 0; end < length; end++) {
      const cut = new Uint8Array(length).fill(0xff);
      cut.set(bytes.subarray(0, end));
      assert.equal(read(cut, 0, end).verdict, INCOMPLETE, `${end} bytes`);
    }
  });
}

Deno.test("a client without extensions, or without any of ours, names nobody", () => {
  for (const extensions of [null, [], [extension(43, [2, 3, 4])]]) {
    const bytes = toRecords(makeMessage({ extensions }));
    const expected = {
      verdict: DONE,
      helloBytes: bytes.length,
      sni: "",
      protocols: [],
      refusal: "",
    };
    assert.deepEqual(read(bytes), expected);
  }
});

Deno.test("what follows the ClientHello in further records is not looked at", () => {
  const bytes = makeHello(serverName("a.example"));
  const more = read([...bytes, 23, 3, 3, 0, 5, 1, 2, 3]);
  assert.deepEqual(more, read(bytes));
  assert.equal(more.helloBytes, bytes.length);
});

Deno.test("the name is in lower case and without the dot at its end", () => {
  assert.equal(read(makeHello(serverName("WwW.EXAMPLE.com."))).sni, "www.example.com");
  for (
    const name of ["a", "_dmarc.x-1.example", "3com.example", "-a-.example", "xn--bcher-kva.x"]
  ) {
    assert.equal(read(makeHello(serverName(name))).sni, name);
  }
  const longest = `${"a".repeat(63)}.`.repeat(4).slice(0, 255);
  assert.equal(read(makeHello(serverName(longest))).sni, longest);
});

Deno.test("a name that is no host name is refused", () => {
  for (const name of ["10.0.0.1", "127.1", "1", "::1", "[::1]", "a.example.7"]) {
    refuseName(name, NOT_HOST_NAME);
  }
  for (
    const name of [".", "..", ".a", "a..b", "a..", `${"a".repeat(64)}.b`, `b.${"a".repeat(64)}`]
  ) {
    refuseName(name, NOT_HOST_NAME);
  }
  for (const name of ["a b", "a\0b", "a\n", "a/b", "a:443", "*.a", "b\xfccher.x", "\x7f", "a@b"]) {
    refuseName(name, NOT_HOST_NAME);
  }
  refuseName(`${"a".repeat(63)}.`.repeat(4), NOT_HOST_NAME);
  refuseName("", BAD_NAME_LIST);
});

Deno.test("of names only a host name counts, and only one", () => {
  const other = nameEntry("\x01\xff other", 7);
  const names = (...entries: number[][]) => makeHello(extension(0, sized(2, entries.flat())));
  assert.equal(read(names(other)).sni, "");
  assert.equal(read(names(other, nameEntry("a.example"), other)).sni, "a.example");
  const twice = names(nameEntry("a.example"), other, nameEntry("a.example"));
  assertRefused(twice, "more than one server name (47)");
});

Deno.test("a server_name extension whose lengths do not add up is refused", () => {
  const entry = nameEntry("a.example");
  const bodies = [[], [0], [0, 0], entry, [...sized(2, entry), 0], sized(2, [...entry, 0])];
  bodies.push(
    sized(2, entry).slice(0, -1),
    sized(2, entry.slice(0, -1)),
    sized(2, entry.slice(0, 2)),
  );
  for (const body of bodies) assertRefused(makeHello(extension(0, body)), BAD_NAME_LIST);
});

Deno.test("an ALPN extension whose lengths do not add up, or that is empty, is refused", () => {
  const list = [2, 0x68, 0x32];
  const bodies = [[], [0], [0, 0], list, [...sized(2, list), 0], sized(2, list).slice(0, -1)];
  bodies.push(sized(2, [0]), sized(2, [...list, 0]), sized(2, [...list, 3, 1, 2]), sized(2, [1]));
  for (const body of bodies) assertRefused(makeHello(extension(16, body)), BAD_ALPN);
});

Deno.test("a protocol is offered when all of its bytes are", () => {
  read(makeHello(alpn("h2", "http/1.1", "\0\xff")));
  for (const offered of ["h2", "http/1.1"]) assert.ok(shared.hasAlpn(utf8.encode(offered)));
  assert.ok(shared.hasAlpn(Uint8Array.of(0, 255)));
  for (const other of ["", "h", "h3", "h2c", "http/1.0", "2\bhttp/1.", "H2"]) {
    assert.ok(!shared.hasAlpn(utf8.encode(other)), other);
  }
  read(makeHello());
  assert.ok(!shared.hasAlpn(utf8.encode("h2")), "the last client's protocols are forgotten");
});

Deno.test("the extensions read here must not stand twice, any other may", () => {
  const twice = "server_name or ALPN stands twice (47)";
  assertRefused(makeHello(serverName("a.x"), serverName("a.x")), twice);
  assertRefused(makeHello(alpn("h2"), extension(9, []), alpn("h2")), twice);
  assert.equal(read(makeHello(extension(9, []), serverName("a.x"), extension(9, []))).sni, "a.x");
});

Deno.test("GREASE in cipher suites, extensions, protocols and versions changes nothing", () => {
  const extensions = [
    extension(0x0a0a, []),
    extension(43, [4, 0xfa, 0xfa, 3, 4]),
    alpn("\x0a\x0a", "h2", "\xfa\xfa", "\x0a\x1a"),
    serverName("a.example"),
    extension(0xdada, [0]),
  ];
  const message = makeMessage({ suites: [...GREASE.flat(), 0x13, 0x01], extensions });
  const { sni, protocols } = read(toRecords(message));
  assert.equal(sni, "a.example");
  assert.deepEqual(protocols, ["h2", "\x0a\x1a"]);
  assert.deepEqual(read(makeHello(alpn("\x0a\x0a"))).protocols, []);
});

Deno.test("with Encrypted ClientHello the outer name counts", () => {
  const sealed = extension(0xfe0d, [0, 0, 1, 0, 1, 7, ...sized(2, serverName("inner.example"))]);
  assert.equal(read(makeHello(sealed, serverName("public.example"))).sni, "public.example");
});

Deno.test("any version from SSL 3 on may stand on the record and in the message", () => {
  for (const minor of [0, 1, 2, 3, 4]) {
    const message = makeMessage({ version: [3, minor] });
    assert.equal(read(record(message, [3, minor])).verdict, DONE);
  }
  assertRefused(record(makeMessage(), [3, 5]), "record of no known TLS version (70)");
  assertRefused(record(makeMessage(), [2, 0]), "record of no known TLS version (70)");
  const version = [2, 3];
  assertRefused(toRecords(makeMessage({ version })), "ClientHello of no known TLS version (70)");
});

Deno.test("the fields of the message have the sizes that TLS gives them", () => {
  const refuse = (parts: Parameters<typeof makeMessage>[0], refusal: string) =>
    assertRefused(toRecords(makeMessage(parts)), refusal);
  assert.equal(read(toRecords(makeMessage({ sessionId: new Array(32).fill(9) }))).verdict, DONE);
  refuse({ sessionId: new Array(33).fill(9) }, "session id longer than 32 bytes (50)");
  refuse({ suites: [] }, "no whole list of cipher suites (50)");
  refuse({ suites: [1, 2, 3] }, "no whole list of cipher suites (50)");
  refuse({ compression: [] }, "no compression method (50)");
  assert.equal(read(toRecords(makeMessage({ compression: [1, 0] }))).verdict, DONE);
});

Deno.test("a message that ends anywhere too early, or goes on, is refused", () => {
  const whole = makeMessage({ sessionId: [1, 2], extensions: [extension(9, [1]), alpn("h2")] });
  const bare = makeMessage({ sessionId: [1, 2], extensions: null });
  const body = whole.slice(4);
  for (let length = 0; length < body.length; length++) {
    // Extensions may be missing altogether.
    if (length === bare.length - 4) continue;
    assertRefused(toRecords([1, ...sized(3, body.slice(0, length))]), BAD_LENGTHS);
  }
  assertRefused(toRecords([1, ...sized(3, [...body, 0])]), BAD_LENGTHS);
  assertRefused(makeHello([0, 9, 0]), BAD_LENGTHS);
  assertRefused(makeHello([0, 9, 0, 2, 1]), BAD_LENGTHS);
});

Deno.test("what cannot be TLS is refused at the first byte that shows it", () => {
  for (
    const text of ["GET / HTTP/1.1\r\n", "PRI * HTTP/2.0", "SSH-2.0-x", "\x80\x2e\x01\x03\x01"]
  ) {
    assertRefused([text.charCodeAt(0)], "does not begin as TLS (10)");
  }
  assertRefused([22, 2], "record of no known TLS version (70)");
  assertRefused([22, 3, 9], "record of no known TLS version (70)");
  assertRefused([22, 3, 1, 0, 0], "empty record within the ClientHello (50)");
  assertRefused([22, 3, 1, 0x40, 1], "record longer than TLS allows (22)");
  assertRefused([22, 3, 1, 0, 9, 2], "handshake without a ClientHello (10)");
});

Deno.test("between the records of a ClientHello there is nothing else", () => {
  const message = makeMessage({ extensions: [serverName("a.example")] });
  const [first, second] = [record(message.slice(0, 20)), record(message.slice(20))];
  assert.equal(read([...first, ...second]).verdict, DONE);
  for (const type of [20, 21, 23, 24, 0]) {
    assertRefused([...first, type], "another record within the ClientHello (10)");
  }
  assertRefused([...first, 22, 3, 3, 0, 0], "empty record within the ClientHello (50)");
  assertRefused([22, 3, 1, 0, 0, ...first], "empty record within the ClientHello (50)");
});

Deno.test("a record that goes on after the message is refused once both lengths are there", () => {
  const message = makeMessage();
  const goesOn = "record goes on after the ClientHello (10)";
  assertRefused(record([...message, 1]).slice(0, 9), goesOn);
  assertRefused([...record(message.slice(0, 3)), ...record([...message.slice(3), 0])], goesOn);
});

Deno.test("the message and all its record headers have 16 KiB, and not a byte more", () => {
  const makeLong = (length: number) => {
    const spare = length - makeMessage({ extensions: [extension(21, [])] }).length;
    return makeMessage({ extensions: [extension(21, new Array(spare).fill(0))] });
  };
  const one = CLIENT_HELLO_BYTES_MAX - 5;
  assert.equal(read(toRecords(makeLong(one))).helloBytes, CLIENT_HELLO_BYTES_MAX);
  assert.equal(read(toRecords(makeLong(one - 5), [100])).helloBytes, CLIENT_HELLO_BYTES_MAX);
  const split = makeLong(Math.floor(CLIENT_HELLO_BYTES_MAX / 6));
  assert.equal(
    read(toRecords(split, new Array(split.length).fill(1))).helloBytes,
    split.length * 6,
  );
  assertRefused(toRecords(makeLong(one + 1)), TOO_LONG);
  assertRefused(toRecords(makeLong(one + 1)).slice(0, 5), TOO_LONG);
  assertRefused(toRecords(makeLong(one - 4), [100]), TOO_LONG);
  // Announced by the message itself, long before the bytes are there.
  assertRefused(record([1, 0, 0x40, 0]), TOO_LONG);
  assertRefused(record([1, 255, 255, 255, 0, 0]), TOO_LONG);
});

/** Messages that are right, with what is to be read of them. */
const HELLO = fc.record({
  sni: fc.option(fc.stringMatching(/^([a-z_][a-z0-9-]{0,8}\.){0,4}[a-z]{1,10}$/), { nil: "" }),
  protocols: fc.array(fc.stringMatching(/^[!-~]{1,20}$/), { maxLength: 5 }),
  sessionId: fc.array(fc.nat(255), { maxLength: 32 }),
  suites: fc.array(fc.nat(65535), { minLength: 1, maxLength: 20 }),
  others: fc.array(fc.tuple(fc.integer({ min: 17, max: 65535 }), fc.uint8Array()), {
    maxLength: 5,
  }),
  cut: fc.nat(5),
}).map(({ sni, protocols, sessionId, suites, others, cut }) => {
  const extensions = others.map(([type, body]) => extension(type, [...body]));
  if (sni !== "") extensions.splice(cut, 0, serverName(sni));
  if (protocols.length > 0) extensions.splice(-cut, 0, alpn(...protocols));
  const bytes = suites.flatMap((suite) => [suite >> 8, suite & 255]);
  const message = makeMessage({ sessionId, suites: bytes, extensions });
  return { sni, protocols, message };
});
const SIZES = fc.array(fc.integer({ min: 1, max: 200 }), { maxLength: 40 });

Deno.test("a message is read the same in records of any size, once all of them are there", () => {
  fc.assert(
    fc.property(HELLO, SIZES, ({ sni, protocols, message }, sizes) => {
      const bytes = toRecords(message, sizes);
      const helloBytes = bytes.length;
      assert.deepEqual(read(bytes), { verdict: DONE, helloBytes, sni, protocols, refusal: "" });
      for (let end = 0; end < helloBytes; end += 1 + (end >> 5)) {
        assert.equal(read(bytes, 0, end).verdict, INCOMPLETE, `${end} of ${helloBytes} bytes`);
      }
    }),
    { seed: 1 },
  );
});

Deno.test("records of one byte each are read like one record", () => {
  const bytes = Deno.readFileSync(`${VECTORS}/boringssl_post_quantum.bin`);
  const message = [...bytes.subarray(5)];
  const split = read(toRecords(message, new Array(message.length).fill(1)));
  assert.deepEqual(split, { ...read(bytes), helloBytes: message.length * 6 });
});

Deno.test("a verdict on any bytes is changed neither by more of them nor by what is around", () => {
  const change = fc.tuple(fc.nat(), fc.nat(255));
  fc.assert(
    fc.property(
      HELLO,
      SIZES,
      fc.array(change, { minLength: 1, maxLength: 4 }),
      fc.nat(255),
      ({ message }, sizes, changes, around) => {
        const bytes = toRecords(message, sizes);
        for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
        const last = read(bytes);
        const padded = new Uint8Array(bytes.length + 600).fill(around);
        padded.set(bytes, 300);
        assert.deepEqual(read(padded, 300, 300 + bytes.length), last);
        for (let end = 0; end < bytes.length; end += 1 + (end >> 4)) {
          const before = read(bytes, 0, end);
          if (before.verdict !== INCOMPLETE) assert.deepEqual(before, last, `${end} bytes`);
        }
      },
    ),
    { seed: 1, numRuns: 500 },
  );
});

Deno.test("what is to be parsed must lie in its bytes", () => {
  for (const [start, end] of [[-1, 2], [2, 1], [0, 4]]) {
    assert.throws(() => shared.parse(new Uint8Array(3), start, end), /lies in its bytes/);
  }
});
