import assert from "node:assert/strict";
import { EAGAIN, ECONNRESET, EPIPE } from "../../base/errno.ts";
import { Tunnels } from "../../connection/tunnels.ts";
import { formatIpWords, IP_WORDS, parseIpWords } from "../../net/ip_words.ts";
import { DONE, ProxyHeader } from "../../proxy_protocol/proxy_header.ts";
import { bytesOf, IPV4_ADDRESSES, makeBlock, makeTlv } from "../../proxy_protocol/test_headers.ts";
import { FakeRing, type RingCall } from "../../ring/test_ring.ts";
import type { ClientHello } from "../tls/client_hello.ts";
import { OutgoingHeader } from "./outgoing_header.ts";

const ALPN = 0x01;
const AUTHORITY = 0x02;
const UNIQUE_ID = 0x05;

/** A tunnel of a client, in the second slot, whose socket has the local name 127.0.0.1, port 80. */
function makeScene(client: string, clientPort: number, answer?: (call: RingCall) => number) {
  const fake = new FakeRing(answer);
  const tunnels = new Tunnels(4);
  tunnels.open(9);
  const slot = tunnels.open(10);
  tunnels.fd[slot * 2 + 1] = 11;
  tunnels.client.set(parseIpWords(client)!, slot * IP_WORDS);
  tunnels.clientPort[slot] = clientPort;
  const headers = new OutgoingHeader(fake.ring, tunnels);
  return { fake, tunnels, slot, headers };
}

type Scene = ReturnType<typeof makeScene>;

/** What the server has got. */
function sentText({ fake }: Scene): string {
  return new TextDecoder().decode(fake.sent.get(11));
}

/** The same as a header of version 2, read by another. */
function sentHeader({ fake }: Scene) {
  const bytes = fake.sent.get(11)!;
  const parser = new ProxyHeader();
  assert.equal(parser.parse(bytes, 0, bytes.length), DONE);
  assert.equal(parser.headerBytes, bytes.length);
  const textAt = (start: number, length: number) =>
    new TextDecoder().decode(bytes.subarray(start, start + length));
  const { source, sourcePort, destination, destinationPort } = parser;
  return {
    from: `${formatIpWords(source, 0)} ${sourcePort}`,
    to: `${formatIpWords(destination, 0)} ${destinationPort}`,
    hasAddress: parser.hasAddress,
    isStream: parser.isStream,
    alpn: textAt(parser.alpnStart, parser.alpnLength),
    authority: textAt(parser.authorityStart, parser.authorityLength),
    uniqueId: textAt(parser.uniqueIdStart, parser.uniqueIdLength),
  };
}

/** An incoming header with these TLVs, as it was looked at in a buffer. */
function keepHeader({ headers, slot }: Scene, tlvs: readonly number[]): void {
  const bytes = new Uint8Array(4096);
  const block = makeBlock({ addresses: IPV4_ADDRESSES, tlvs });
  bytes.set(block, 100);
  const header = new ProxyHeader();
  assert.equal(header.parse(bytes, 100, 100 + block.length), DONE);
  headers.keepHeader(slot, header, bytes);
  // The buffer goes back and is filled with another's.
  bytes.fill(0);
}

function keepHello({ headers, slot }: Scene, sni: string, alpn: string): void {
  const [sniBytes, alpnBytes] = [new Uint8Array(300), new Uint8Array(300)];
  sniBytes.set(bytesOf(sni));
  alpnBytes.set(bytesOf(alpn), 7);
  const hello = {
    ...{ sniBytes, sniLength: sni.length },
    ...{ alpnBytes, firstAlpnStart: 7, firstAlpnLength: alpn.length },
  };
  headers.keepHello(slot, hello as ClientHello);
  sniBytes.fill(0);
  alpnBytes.fill(0);
}

Deno.test("without a version nothing is sent", () => {
  const scene = makeScene("192.0.2.7", 5000);
  assert.equal(scene.headers.send(scene.slot, null), 0);
  assert.deepEqual(scene.fake.calls, []);
});

Deno.test("version 1 is a line with the client and what it connected to", () => {
  const scene = makeScene("192.0.2.7", 5000);
  assert.equal(scene.headers.send(scene.slot, "v1"), 0);
  assert.equal(sentText(scene), "PROXY TCP4 192.0.2.7 127.0.0.1 5000 80\r\n");
});

Deno.test("a client of IPv6 and one of IPv4 at an IPv6 socket", () => {
  const six = makeScene("2001:db8::7", 5000);
  six.fake.local = { ip: "2001:db8::1", port: 443 };
  six.headers.send(six.slot, "v1");
  assert.equal(sentText(six), "PROXY TCP6 2001:db8::7 2001:db8::1 5000 443\r\n");
  const four = makeScene("::ffff:192.0.2.7", 5000);
  four.fake.local = { ip: "::ffff:10.0.0.1", port: 443 };
  four.headers.send(four.slot, "v1");
  assert.equal(sentText(four), "PROXY TCP4 192.0.2.7 10.0.0.1 5000 443\r\n");
});

Deno.test("version 2 says the same in bytes, and nothing that is not known", () => {
  const scene = makeScene("192.0.2.7", 5000);
  assert.equal(scene.headers.send(scene.slot, "v2"), 0);
  assert.deepEqual(sentHeader(scene), {
    from: "192.0.2.7 5000",
    to: "127.0.0.1 80",
    hasAddress: true,
    isStream: true,
    alpn: "",
    authority: "",
    uniqueId: "",
  });
});

Deno.test("what a client connected to is what an incoming header has said of it", () => {
  for (const version of ["v1", "v2"] as const) {
    const scene = makeScene("192.0.2.7", 5000);
    const { tunnels, slot } = scene;
    tunnels.target.set(parseIpWords("198.51.100.1")!, slot * IP_WORDS);
    tunnels.targetPort[slot] = 8443;
    scene.headers.send(slot, version);
    if (version === "v2") assert.equal(sentHeader(scene).to, "198.51.100.1 8443");
    else assert.match(sentText(scene), / 192\.0\.2\.7 198\.51\.100\.1 5000 8443\r\n$/);
  }
});

Deno.test("a client or a socket without an address: that nothing is known", () => {
  const client = makeScene("::", -1);
  const socket = makeScene("192.0.2.7", 5000);
  socket.fake.local = { ip: "::", port: -1 };
  for (const scene of [client, socket]) {
    scene.headers.send(scene.slot, "v1");
    assert.equal(sentText(scene), "PROXY UNKNOWN\r\n");
    scene.headers.send(scene.slot, "v2");
    assert.equal(sentHeader(scene).hasAddress, false);
  }
});

Deno.test("what an incoming header has said besides goes on, after its buffer is gone", () => {
  const scene = makeScene("192.0.2.7", 5000);
  const tlvs = [makeTlv(AUTHORITY, "a.example"), makeTlv(ALPN, "h2"), makeTlv(UNIQUE_ID, "id-1")];
  keepHeader(scene, tlvs.flat());
  scene.headers.send(scene.slot, "v2");
  const { alpn, authority, uniqueId } = sentHeader(scene);
  assert.deepEqual([alpn, authority, uniqueId], ["h2", "a.example", "id-1"]);
  // Version 1 has no place for it.
  scene.headers.send(scene.slot, "v1");
  assert.equal(sentText(scene), "PROXY TCP4 192.0.2.7 127.0.0.1 5000 80\r\n");
});

Deno.test("what a ClientHello tells goes on: the server name and the first protocol", () => {
  const scene = makeScene("192.0.2.7", 5000);
  keepHello(scene, "b.example", "http/1.1");
  scene.headers.send(scene.slot, "v2");
  const { alpn, authority } = sentHeader(scene);
  assert.deepEqual([alpn, authority], ["http/1.1", "b.example"]);
  const nameless = makeScene("192.0.2.7", 5000);
  keepHello(nameless, "", "");
  nameless.headers.send(nameless.slot, "v2");
  assert.equal(sentHeader(nameless).authority, "");
});

Deno.test("an incoming header knows better than the ClientHello, about what it tells", () => {
  const scene = makeScene("192.0.2.7", 5000);
  keepHeader(scene, makeTlv(AUTHORITY, "a.example"));
  keepHello(scene, "b.example", "h2");
  scene.headers.send(scene.slot, "v2");
  const { alpn, authority } = sentHeader(scene);
  assert.deepEqual([alpn, authority], ["h2", "a.example"]);
});

Deno.test("another server is told the same; the next client of the slot is not", () => {
  const scene = makeScene("192.0.2.7", 5000);
  keepHeader(scene, makeTlv(AUTHORITY, "a.example"));
  for (let tries = 0; tries < 2; tries++) {
    scene.headers.send(scene.slot, "v2");
    assert.equal(sentHeader(scene).authority, "a.example");
  }
  scene.headers.forget(scene.slot);
  scene.headers.send(scene.slot, "v2");
  assert.equal(sentHeader(scene).authority, "");
  scene.headers.forget(scene.slot);
});

Deno.test("what is kept of one tunnel is not another's", () => {
  const scene = makeScene("192.0.2.7", 5000);
  keepHeader({ ...scene, slot: 0 }, makeTlv(AUTHORITY, "a.example"));
  scene.headers.send(scene.slot, "v2");
  assert.equal(sentHeader(scene).authority, "");
});

Deno.test("a header that does not go out whole is a failure of the connection", () => {
  const results = [[-ECONNRESET, -ECONNRESET], [-EAGAIN, -EPIPE], [5, -EPIPE], [0, -EPIPE]];
  for (const [answer, expected] of results) {
    const scene = makeScene("192.0.2.7", 5000, () => answer);
    assert.equal(scene.headers.send(scene.slot, "v2"), expected);
  }
});
