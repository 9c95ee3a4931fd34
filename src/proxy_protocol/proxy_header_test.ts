import assert from "node:assert/strict";
import { formatIpWords } from "../net/ip_words.ts";
import {
  DONE,
  INCOMPLETE,
  PROXY_HEADER_BYTES_MAX,
  ProxyHeader,
  VIOLATION,
  VIOLATIONS,
} from "./proxy_header.ts";
import {
  bytesOf,
  IPV4_ADDRESSES,
  IPV6_ADDRESSES,
  makeBlock,
  makeTlv,
  sign,
  UNIX_ADDRESSES,
} from "./test_headers.ts";

const SIGNATURE = "\r\n\r\n\0\r\nQUIT\n";

function show(bytes: Uint8Array): string {
  return JSON.stringify(String.fromCharCode(...bytes));
}

/** Takes bytes that are one whole header. */
function accept(bytes: Uint8Array | string): ProxyHeader {
  const header = new ProxyHeader();
  const whole = typeof bytes === "string" ? bytesOf(bytes) : bytes;
  const result = header.parse(whole, 0, whole.length);
  assert.equal(result, DONE, `${show(whole)}: ${result} ${VIOLATIONS[header.violation]}`);
  assert.equal(header.headerBytes, whole.length);
  return header;
}

/** Takes bytes that can become a header up to their last byte, and not with it or any more. */
function refuse(bytes: Uint8Array | string, reason: string): void {
  const header = new ProxyHeader();
  const whole = typeof bytes === "string" ? bytesOf(bytes) : bytes;
  assert.equal(header.parse(whole, 0, whole.length), VIOLATION, show(whole));
  assert.equal(VIOLATIONS[header.violation], reason, show(whole));
  for (const more of ["x", "1", " ", "\n", "\0\0\0"]) {
    const longer = Uint8Array.from([...whole, ...bytesOf(more)]);
    assert.equal(header.parse(longer, 0, longer.length), VIOLATION, show(longer));
    assert.equal(VIOLATIONS[header.violation], reason, show(longer));
  }
  assert.equal(header.parse(whole, 0, whole.length - 1), INCOMPLETE, `too early: ${show(whole)}`);
}

/** As `refuse`, wherever the first byte is that does not fit. */
function refuseSomewhere(bytes: Uint8Array | string, reason: string): void {
  const header = new ProxyHeader();
  const whole = typeof bytes === "string" ? bytesOf(bytes) : bytes;
  let end = 0;
  while (end < whole.length && header.parse(whole, 0, end) === INCOMPLETE) end++;
  refuse(whole.slice(0, end), reason);
  assert.equal(header.parse(whole, 0, whole.length), VIOLATION, show(whole));
}

function wait(bytes: Uint8Array | string): void {
  const whole = typeof bytes === "string" ? bytesOf(bytes) : bytes;
  assert.equal(new ProxyHeader().parse(whole, 0, whole.length), INCOMPLETE, show(whole));
}

/** `source:port > destination:port`. */
function pathOf(header: ProxyHeader): string {
  const { source, sourcePort, destination, destinationPort } = header;
  const from = `${formatIpWords(source, 0)} ${sourcePort}`;
  return `${from} > ${formatIpWords(destination, 0)} ${destinationPort}`;
}

Deno.test("a line of TCP4 gives addresses and ports", () => {
  const header = accept("PROXY TCP4 192.0.2.1 255.255.255.255 65535 0\r\n");
  assert.equal(pathOf(header), "192.0.2.1 65535 > 255.255.255.255 0");
  const { version, hasAddress, isStream, isIpv4 } = header;
  assert.deepEqual([version, hasAddress, isStream, isIpv4], [1, true, true, true]);
});

Deno.test("a line of TCP6 gives addresses and ports, in either case", () => {
  const header = accept("PROXY TCP6 2001:DB8::1 fe80:0:0:0:0:0:0:2 1 443\r\n");
  assert.equal(pathOf(header), "2001:db8::1 1 > fe80::2 443");
  assert.deepEqual([header.hasAddress, header.isStream, header.isIpv4], [true, true, false]);
});

Deno.test("IPv4-mapped addresses of a TCP6 line are read as they are", () => {
  const header = accept("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:c000:202 1111 80\r\n");
  assert.equal(pathOf(header), "192.0.2.1 1111 > 192.0.2.2 80");
  assert.equal(header.isIpv4, false);
});

Deno.test("an UNKNOWN line is accepted without an address, whatever stands in it", () => {
  const longest = `PROXY UNKNOWN ${"x".repeat(91)}\r\n`;
  assert.equal(longest.length, 107);
  const full = "PROXY UNKNOWN ffff:f::1 ffff:f::2 65535 65535\r\n";
  const lines = ["PROXY UNKNOWN\r\n", "PROXY UNKNOWN \r\n", full, longest];
  for (const line of [...lines, "PROXY UNKNOWN \0\xff \t\r\n", "PROXY UNKNOWN PROXY\r\n"]) {
    const header = accept(line);
    const { version, hasAddress, isStream, isIpv4 } = header;
    assert.deepEqual([version, hasAddress, isStream, isIpv4], [1, false, false, false]);
    assert.equal(pathOf(header), ":: 0 > :: 0");
  }
});

Deno.test("a line begins with PROXY in upper case", () => {
  for (const text of ["p", "PROXy", "PROXY\t", "PROXYT", "PROXY\r", "G", "\n", "\0", " ", "\xff"]) {
    refuse(text, "not a PROXY header");
  }
  refuseSomewhere("proxy tcp4 192.0.2.1 192.0.2.2 1111 80\r\n", "not a PROXY header");
  refuseSomewhere("GET / HTTP/1.1\r\n", "not a PROXY header");
  refuseSomewhere("\x16\x03\x01\x02\x00\x01", "not a PROXY header");
});

Deno.test("a line names TCP4, TCP6 or UNKNOWN in upper case", () => {
  const texts = ["PROXY t", "PROXY TCP5", "PROXY TCPx", "PROXY UD", "PROXY  ", "PROXY TCP4\r"];
  for (const text of [...texts, "PROXY TCP44", "PROXY u", "PROXY UNKNOWNS", "PROXY UNKNOWN\n"]) {
    refuse(text, "version 1: neither TCP4, TCP6 nor UNKNOWN");
  }
});

Deno.test("IPv4 of a line is strict dotted decimal", () => {
  const wrong = [
    "256",
    "999",
    "01",
    "00",
    "010.0.0.1",
    "1.2.3 ",
    "1.2.3.4.",
    "1.2.3.4\t",
    "0x",
    "a",
  ];
  for (const text of [...wrong, "-", "::", " ", "1.2.3.4\r", "1,", "1..", "\n"]) {
    refuseSomewhere(`PROXY TCP4 ${text}`, "version 1: not a source address");
    refuseSomewhere(`PROXY TCP4 1.2.3.4 ${text}`, "version 1: not a destination address");
  }
});

Deno.test("IPv6 of a line is text of RFC 4291 without zone and brackets", () => {
  const wrong = ["1.2.3.4", "[", ":1", "1::2::", ":::", "12345", "1:2:3:4:5:6:7:8:", "1:2 ", "g"];
  for (const text of [...wrong, "fe80::1%", "::1/", "::256.", "::1.2.3 ", " ", "::1\r", "::\n"]) {
    refuseSomewhere(`PROXY TCP6 ${text}`, "version 1: not a source address");
    refuseSomewhere(`PROXY TCP6 ::1 ${text}`, "version 1: not a destination address");
  }
});

Deno.test("ports of a line are canonical decimal numbers up to 65535", () => {
  for (const text of ["65536", "70000", "01", "00", "-", "+", " ", "\r", "\n", "a", "0x", "1,"]) {
    refuseSomewhere(`PROXY TCP4 1.2.3.4 5.6.7.8 ${text}`, "version 1: not a source port");
    if (text === "1," || text === "0x") continue;
    refuseSomewhere(`PROXY TCP4 1.2.3.4 5.6.7.8 1 ${text}`, "version 1: not a destination port");
  }
});

Deno.test("a line ends in CRLF right behind its last port", () => {
  const line = "PROXY TCP4 1.2.3.4 5.6.7.8 1 2";
  for (const text of ["\n", " ", "\t", "x", "\r\r", "\r ", "\rx", "\r\0"]) {
    refuse(line + text, "version 1: the line does not end in CRLF");
  }
});

Deno.test("a CR or LF alone does not end an UNKNOWN line, nor stand in it", () => {
  for (const text of [" \n", " x\n", "\rx", "\r\r", " x\ry", " x\r\r"]) {
    refuse(`PROXY UNKNOWN${text}`, "version 1: the line does not end in CRLF");
  }
});

Deno.test("a line without CRLF in its first 107 bytes is too long", () => {
  refuse(`PROXY UNKNOWN ${"x".repeat(92)}`, "version 1: the line is longer than 107 bytes");
  refuseSomewhere(
    `PROXY UNKNOWN ${"x".repeat(500)}`,
    "version 1: the line is longer than 107 bytes",
  );
  refuseSomewhere(`PROXY TCP4 ${"1".repeat(200)}`, "version 1: not a source address");
});

const LONG_IPV6 = "0000:0000:0000:0000:0000:0000:255.255.255.255";

Deno.test("addresses that leave no room for the rest of the line are too long at once", () => {
  const tooLong = "version 1: the line is longer than 107 bytes";
  const one = `PROXY TCP6 ${LONG_IPV6} `;
  refuse(one + LONG_IPV6, tooLong);
  const least = one + LONG_IPV6.slice(0, -1);
  accept(`${least} 0 0\r\n`);
  refuse(`${least} 10`, tooLong);
  refuse(`${least} 0 10`, tooLong);
  accept(`${one}${LONG_IPV6.slice(0, -2)} 10 0\r\n`);
  accept(`${one}::1 65535 65535\r\n`);
});

Deno.test("a block of TCP over IPv4 gives addresses and ports", () => {
  const header = accept(makeBlock());
  assert.equal(pathOf(header), "192.0.2.1 1111 > 192.0.2.2 80");
  const { version, hasAddress, isStream, isIpv4 } = header;
  assert.deepEqual([version, hasAddress, isStream, isIpv4], [2, true, true, true]);
});

Deno.test("a block of TCP over IPv6 gives addresses and ports", () => {
  const header = accept(makeBlock({ family: 0x21, addresses: IPV6_ADDRESSES }));
  assert.equal(pathOf(header), "2001:db8::1 1 > 1.2.3.4 65535");
  assert.deepEqual([header.hasAddress, header.isStream, header.isIpv4], [true, true, false]);
});

Deno.test("datagrams are told from streams", () => {
  const ipv4 = accept(makeBlock({ family: 0x12 }));
  assert.equal(pathOf(ipv4), "192.0.2.1 1111 > 192.0.2.2 80");
  assert.deepEqual([ipv4.hasAddress, ipv4.isStream, ipv4.isIpv4], [true, false, true]);
  const ipv6 = accept(makeBlock({ family: 0x22, addresses: IPV6_ADDRESSES }));
  assert.deepEqual([ipv6.hasAddress, ipv6.isStream, ipv6.isIpv4], [true, false, false]);
});

Deno.test("unix sockets and unspecified families are accepted without an address", () => {
  const tlvs = makeTlv(0x05, "id");
  for (const family of [0x31, 0x32, 0x00]) {
    const addresses = family === 0 ? [] : UNIX_ADDRESSES;
    const header = accept(makeBlock({ family, addresses, tlvs }));
    assert.deepEqual([header.hasAddress, header.isStream, header.isIpv4], [false, false, false]);
    assert.equal(pathOf(header), ":: 0 > :: 0");
    assert.deepEqual([header.uniqueIdStart, header.uniqueIdLength], [16 + addresses.length + 3, 2]);
  }
});

Deno.test("a LOCAL block is accepted without an address, its rest unread", () => {
  for (const family of [0x00, 0x11, 0x21, 0x31, 0x41, 0x13, 0xff]) {
    for (const addresses of [[], [1], [2, 0xff, 0xff], IPV4_ADDRESSES]) {
      const header = accept(makeBlock({ command: 0, family, addresses }));
      assert.deepEqual([header.version, header.hasAddress, header.isStream], [2, false, false]);
      assert.equal(pathOf(header), ":: 0 > :: 0");
    }
  }
  assert.equal(accept(makeBlock({ command: 0, tlvs: makeTlv(2, "name") })).authorityLength, 0);
});

Deno.test("a block begins with its signature, byte by byte", () => {
  for (let at = 1; at < SIGNATURE.length; at++) {
    for (const byte of ["G", "\xff", "\r", "\0"]) {
      if (SIGNATURE[at] !== byte) refuse(SIGNATURE.slice(0, at) + byte, "not a PROXY header");
    }
  }
});

Deno.test("only version 2 has blocks", () => {
  for (const version of [0, 1, 3, 15]) {
    refuseSomewhere(makeBlock({ version }), "version 2: unknown version");
  }
});

Deno.test("commands other than LOCAL and PROXY are refused", () => {
  for (let command = 2; command < 16; command++) {
    refuseSomewhere(makeBlock({ command }), "version 2: unknown command");
  }
});

Deno.test("families and transports without a meaning are refused", () => {
  const known = [0x00, 0x11, 0x12, 0x21, 0x22, 0x31, 0x32];
  for (let family = 0; family < 256; family++) {
    if (known.includes(family)) continue;
    refuse(makeBlock({ family }).slice(0, 14), "version 2: unknown address family or transport");
  }
});

Deno.test("a block that is shorter than its addresses is refused once its length is known", () => {
  const sizes = [[0x11, 12], [0x12, 12], [0x21, 36], [0x22, 36], [0x31, 216], [0x32, 216]];
  for (const [family, size] of sizes) {
    for (const length of [0, 4, size - 1]) {
      const fixed = makeBlock({ family, addresses: [], length });
      refuse(fixed, "version 2: shorter than its addresses");
    }
    wait(makeBlock({ family, addresses: [], length: size }));
  }
});

Deno.test("a block that announces too much is refused once that is known", () => {
  assert.equal(PROXY_HEADER_BYTES_MAX, 4096);
  const lengthMax = PROXY_HEADER_BYTES_MAX - 16;
  for (const command of [0, 1]) {
    const fixed = (length: number) => makeBlock({ command, addresses: [], length });
    refuse(fixed(lengthMax + 1), "version 2: oversized");
    refuse(fixed(lengthMax + 17).slice(0, 15), "version 2: oversized");
    refuse(fixed(65535).slice(0, 15), "version 2: oversized");
    wait(fixed(lengthMax));
  }
  accept(makeBlock({ tlvs: makeTlv(0xe0, new Uint8Array(lengthMax - 12 - 3)) }));
});

Deno.test("ALPN, authority and unique id are told by their place in the bytes", () => {
  const alpn = makeTlv(0x01, "h2");
  const authority = makeTlv(0x02, "example.com");
  const noop = makeTlv(0x04, "abc");
  const ssl = makeTlv(0x20, [1, 0, 0, 0, 0, ...makeTlv(0x21, "TLSv1.3")]);
  const uniqueId = makeTlv(0x05, new Uint8Array(128).fill(9));
  const others = [...makeTlv(0x30, "blue"), ...makeTlv(0xe0, ""), ...makeTlv(0xff, "?")];
  const tlvs = [...noop, ...ssl, ...authority, ...others, ...alpn, ...uniqueId];
  const bytes = bytesOf("before").length;
  const block = makeBlock({ tlvs });
  const placed = Uint8Array.from([...bytesOf("before"), ...block, ...bytesOf("after")]);
  const header = new ProxyHeader();
  assert.equal(header.parse(placed, bytes, placed.length), DONE);
  assert.equal(header.headerBytes, block.length);
  const valueOf = (start: number, length: number) => [...placed.slice(start, start + length)];
  assert.deepEqual(valueOf(header.alpnStart, header.alpnLength), alpn.slice(3));
  assert.deepEqual(valueOf(header.authorityStart, header.authorityLength), authority.slice(3));
  assert.deepEqual(valueOf(header.uniqueIdStart, header.uniqueIdLength), uniqueId.slice(3));
});

Deno.test("of several TLVs of a type the first that is not empty counts", () => {
  for (const type of [1, 2, 5]) {
    const [empty, first, second] = ["", "first", "second"].map((value) => makeTlv(type, value));
    const header = accept(makeBlock({ tlvs: [...empty, ...first, ...second] }));
    const { alpnStart, alpnLength, authorityStart, authorityLength } = header;
    const values = [
      [alpnStart, alpnLength],
      [authorityStart, authorityLength],
      [header.uniqueIdStart, header.uniqueIdLength],
    ];
    const expected = [1, 2, 5].map((known) => known === type ? [16 + 12 + 6, 5] : [0, 0]);
    assert.deepEqual(values, expected);
  }
});

Deno.test("TLVs of other types are passed over", () => {
  for (let type = 0; type < 256; type++) {
    if ([1, 2, 3, 5].includes(type)) continue;
    const header = accept(makeBlock({ tlvs: makeTlv(type, "other") }));
    const { alpnLength, authorityLength, uniqueIdLength } = header;
    assert.deepEqual([alpnLength, authorityLength, uniqueIdLength], [0, 0, 0]);
  }
});

Deno.test("what a header said is forgotten with the next one", () => {
  const tlvs = [...makeTlv(1, "h2"), ...makeTlv(2, "a"), ...makeTlv(5, "1")];
  const addresses = [...new Array(32).fill(0xfd), 1, 2, 3, 4];
  const header = accept(makeBlock({ family: 0x21, addresses, tlvs }));
  assert.equal(header.uniqueIdLength, 1);
  const next = makeBlock({ command: 0, addresses: [] });
  assert.equal(header.parse(next, 0, next.length), DONE);
  assert.deepEqual(header, accept(next));
  assert.equal(pathOf(header), ":: 0 > :: 0");
});

Deno.test("a TLV that runs over the end of its header is refused once its length is known", () => {
  const reason = "version 2: a TLV does not fit in the header";
  refuse(makeBlock({ tlvs: [4, 0, 1], length: 15 }), reason);
  refuse(makeBlock({ tlvs: [4, 0, 4], length: 12 + 3 + 3 }), reason);
  refuse(makeBlock({ tlvs: [4, 1], length: 12 + 3 + 255 }), reason);
  refuse(makeBlock({ tlvs: [4, 0xff], length: 12 + 6 }), reason);
  wait(makeBlock({ tlvs: [4, 1], length: 12 + 3 + 256 }));
  refuse(makeBlock({ tlvs: [...makeTlv(4, "abc"), 1, 0, 9], length: 12 + 6 + 11 }), reason);
});

Deno.test("a rest of one or two bytes is no TLV and refused once that is known", () => {
  const reason = "version 2: a TLV does not fit in the header";
  for (const rest of [1, 2]) {
    refuse(makeBlock({ addresses: [], length: 12 + rest }), reason);
    refuse(makeBlock({ family: 0, addresses: [], length: rest }), reason);
    refuse(makeBlock({ family: 0x31, addresses: [], length: 216 + rest }), reason);
    refuse(makeBlock({ tlvs: [4, 0, 5], length: 12 + 3 + 5 + rest }), reason);
  }
});

Deno.test("a checksum is that of the whole header with the field as zeros", () => {
  const tlvs = makeTlv(3, [0, 0, 0, 0]);
  const header = sign(makeBlock({ tlvs }), 31);
  // In network order, as all numbers of a header.
  assert.deepEqual([...header.slice(31)], [0x15, 0x79, 0x6e, 0xa1]);
  accept(header);
  const middle = [...makeTlv(2, "name"), ...makeTlv(3, [0, 0, 0, 0]), ...makeTlv(4, "abc")];
  accept(sign(makeBlock({ tlvs: middle }), 28 + 7 + 3));
  accept(sign(makeBlock({ family: 0, addresses: [], tlvs }), 19));
});

Deno.test("a wrong checksum is refused, whichever bit of the header is wrong", () => {
  const tlvs = [...makeTlv(3, [0, 0, 0, 0]), ...makeTlv(0xe0, "payload")];
  const right = sign(makeBlock({ tlvs }), 31);
  // Flags of the fixed part and lengths would make it another header.
  for (let at = 16; at < right.length; at++) {
    if (at >= 28 && at < 31 || at >= 35 && at < 38) continue;
    for (let bit = 0; bit < 8; bit++) {
      const wrong = right.slice();
      wrong[at] ^= 1 << bit;
      refuse(wrong, "version 2: wrong checksum");
    }
  }
});

Deno.test("a checksum has four bytes", () => {
  const reason = "version 2: a checksum that has not 4 bytes";
  for (const length of [0, 3, 5, 255]) {
    refuse(makeBlock({ tlvs: [3, 0, length], length: 12 + 3 + 300 }), reason);
  }
  refuse(makeBlock({ tlvs: [3, 1], length: 12 + 3 + 300 }), reason);
});

Deno.test("a checksum without room for its bytes is refused by its type", () => {
  const reason = "version 2: a TLV does not fit in the header";
  for (const room of [3, 4, 6, 8, 9]) refuse(makeBlock({ tlvs: [3], length: 12 + room }), reason);
  for (const room of [7, 10, 11]) wait(makeBlock({ tlvs: [3], length: 12 + room }));
});

Deno.test("a second checksum is refused", () => {
  const tlvs = [...makeTlv(3, [0, 0, 0, 0]), 3];
  refuse(makeBlock({ tlvs, length: 12 + 14 }), "version 2: more than one checksum");
});

Deno.test("a unique id has at most 128 bytes", () => {
  const reason = "version 2: a unique id of more than 128 bytes";
  refuse(makeBlock({ tlvs: [5, 0, 129], length: 500 }), reason);
  refuse(makeBlock({ tlvs: [5, 1], length: 500 }), reason);
  wait(makeBlock({ tlvs: [5, 0, 128], length: 500 }));
});

Deno.test("a second header is the client's first bytes", () => {
  const line = bytesOf("PROXY TCP4 192.0.2.1 192.0.2.2 1111 80\r\n");
  const header = new ProxyHeader();
  for (
    const first of [line, makeBlock(), bytesOf("PROXY UNKNOWN\r\n"), makeBlock({ command: 0 })]
  ) {
    for (const second of [line, makeBlock()]) {
      const both = Uint8Array.from([...first, ...second]);
      assert.equal(header.parse(both, 0, both.length), DONE);
      assert.equal(header.headerBytes, first.length);
    }
  }
});

Deno.test("nothing yet is the beginning of a header", () => {
  wait("");
});

Deno.test("a range outside of the bytes is a fault of the caller", () => {
  const header = new ProxyHeader();
  const bytes = new Uint8Array(4);
  for (const [start, end] of [[-1, 2], [3, 2], [0, 5]]) {
    assert.throws(() => header.parse(bytes, start, end), { name: "AssertionFailure" });
  }
});
