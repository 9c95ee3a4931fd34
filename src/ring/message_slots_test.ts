import assert from "node:assert/strict";
import { formatIpWords, IP_WORDS, parseIpWords, readSocketAddress } from "../net/ip_words.ts";
import { AF_INET, AF_INET6, encodeSocketAddress } from "../net/socket_address.ts";
import { parseIp } from "../net/address.ts";
import { highHalf, lowHalf } from "./address_half.ts";
import {
  MESSAGE_PAYLOAD_OFFSET,
  MESSAGE_SENDER_OFFSET,
  messagePayloadBytes,
  messageSegmentBytes,
  MessageSlots,
  PREFIX_BYTES_MAX,
  readMessageTarget,
} from "./message_slots.ts";

// linux/in.h, linux/in6.h, linux/udp.h
const SOL_IP = 0;
const IP_PKTINFO = 8;
const SOL_IPV6 = 41;
const IPV6_PKTINFO = 50;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const UDP_GRO = 104;

const COUNT = 4;
/** Both halves of an address have their highest bit set somewhere below. */
const BASE = 0x7fff_ffff_f000;
const PAYLOAD = 0x7abc_8765_4321;
const PAYLOAD_LOW = lowHalf(PAYLOAD);
const PAYLOAD_HIGH = highHalf(PAYLOAD);

/** Zeros at first, as the kernel maps memory. */
function makeSlots() {
  const buffer = new ArrayBuffer(MessageSlots.bytesFor(COUNT));
  const slots = new MessageSlots({ buffer, address: BASE }, COUNT);
  return { slots, memory: new DataView(buffer) };
}

/** An address of 64 bits from the halves that an entry is written with. */
function join(low: number, high: number): bigint {
  return BigInt.asUintN(32, BigInt(low)) | BigInt.asUintN(32, BigInt(high)) << 32n;
}

interface Control {
  readonly level: number;
  readonly type: number;
  readonly bytes: Uint8Array;
}

/** What sendmsg(2) would read: struct msghdr and all that it points to. */
function readMessage({ slots, memory }: ReturnType<typeof makeSlots>, slot: number) {
  const place = (address: bigint) => Number(address) - BASE;
  const at = place(join(slots.low(slot), slots.high(slot)));
  const long = (offset: number) => memory.getBigUint64(offset, true);
  const bytesOf = (address: bigint, count: number) =>
    new Uint8Array(memory.buffer.slice(place(address), place(address) + count));
  const vectorsAt = place(long(at + 16));
  const vectors = Array.from({ length: Number(long(at + 24)) }, (_, i) => ({
    address: long(vectorsAt + i * 16),
    bytes: Number(long(vectorsAt + i * 16 + 8)),
  }));
  const controls: Control[] = [];
  const controlAt = place(long(at + 32));
  const controlBytes = Number(long(at + 40));
  for (let each = 0; each < controlBytes;) {
    const length = Number(long(controlAt + each));
    assert.ok(length >= 16 && each + length <= controlBytes, "a control message lies in its room");
    controls.push({
      level: memory.getInt32(controlAt + each + 8, true),
      type: memory.getInt32(controlAt + each + 12, true),
      bytes: bytesOf(BigInt(BASE + controlAt + each + 16), length - 16),
    });
    each += (length + 7) & ~7;
  }
  return { name: bytesOf(long(at), memory.getUint32(at + 8, true)), vectors, controls, bytesOf };
}

const CLIENT = { ip: "192.0.2.7", port: 5353 };
const CLIENT_V6 = { ip: "2001:db8::7", port: 65_535 };
const NAMES = [
  { family: AF_INET, ...CLIENT, local: "198.51.100.1" },
  { family: AF_INET6, ...CLIENT_V6, local: "2001:db8::1" },
];

/** Words of a client, and of a local address behind them. */
function wordsOf(ip: string, local: string): Int32Array {
  return Int32Array.of(...parseIpWords(ip)!, ...parseIpWords(local)!);
}

/** Writes a message of one piece of 100 bytes. */
function write(
  slots: MessageSlots,
  { family, ip, port, local }: typeof NAMES[number],
  { slot = 0, localAt = -1, segmentBytes = 0 } = {},
): void {
  slots.writeMessage(
    slot,
    family,
    wordsOf(ip, local),
    0,
    port,
    localAt,
    PAYLOAD_LOW,
    PAYLOAD_HIGH,
    100,
    segmentBytes,
  );
}

Deno.test("a message has its receiver's address and one piece, where the payload is", () => {
  for (const client of NAMES) {
    const made = makeSlots();
    write(made.slots, client);
    const { name, vectors, controls } = readMessage(made, 0);
    assert.deepEqual(name, encodeSocketAddress(parseIp(client.ip)!, client.port));
    assert.deepEqual(vectors, [{ address: BigInt(PAYLOAD), bytes: 100 }]);
    assert.deepEqual(controls, []);
  }
});

Deno.test("without a port a message goes to the connected peer", () => {
  const made = makeSlots();
  write(made.slots, { ...NAMES[0], port: -1 });
  assert.equal(readMessage(made, 0).name.length, 0);
});

Deno.test("a message says from which local address it comes", () => {
  for (const client of NAMES) {
    const made = makeSlots();
    write(made.slots, client, { localAt: IP_WORDS });
    const { controls } = readMessage(made, 0);
    assert.equal(controls.length, 1);
    const [{ level, type, bytes }] = controls;
    const local = parseIp(client.local)!;
    if (client.family === AF_INET) {
      assert.deepEqual([level, type], [SOL_IP, IP_PKTINFO]);
      // struct in_pktinfo: any interface, the address to send from, one that is not looked at.
      assert.equal(bytes.length, 12);
      assert.deepEqual(bytes.slice(0, 8), Uint8Array.of(0, 0, 0, 0, ...local));
    } else {
      assert.deepEqual([level, type], [SOL_IPV6, IPV6_PKTINFO]);
      // struct in6_pktinfo: the address, any interface.
      assert.deepEqual(bytes, Uint8Array.of(...local, 0, 0, 0, 0));
    }
  }
});

Deno.test("on a dual-stack socket an IPv4 client and its local address are IPv4-mapped", () => {
  const made = makeSlots();
  const client = { family: AF_INET6, ip: "192.0.2.7", port: 53, local: "198.51.100.1" };
  write(made.slots, client, { localAt: IP_WORDS });
  const { name, controls: [{ level, bytes }] } = readMessage(made, 0);
  assert.deepEqual(name, encodeSocketAddress(parseIp("::ffff:192.0.2.7")!, 53));
  assert.equal(level, SOL_IPV6);
  assert.deepEqual(bytes.slice(0, 16), parseIp("::ffff:198.51.100.1"));
});

Deno.test("a message may be several datagrams, with a local address and without", () => {
  for (const client of NAMES) {
    const made = makeSlots();
    write(made.slots, client, { segmentBytes: 1200 });
    const segment = { level: SOL_UDP, type: UDP_SEGMENT, bytes: Uint8Array.of(0xb0, 0x04) };
    assert.deepEqual(readMessage(made, 0).controls, [segment]);
    write(made.slots, client, { segmentBytes: 1200, localAt: IP_WORDS });
    const { controls } = readMessage(made, 0);
    assert.equal(controls.length, 2);
    assert.deepEqual(controls[1], segment);
    assert.deepEqual(readMessage(made, 0).name.length, client.family === AF_INET ? 16 : 28);
  }
});

Deno.test("a prefix is copied in front of the payload, for a connected peer", () => {
  const made = makeSlots();
  const prefix = Uint8Array.from({ length: PREFIX_BYTES_MAX + 5 }, (_, i) => i + 1);
  for (const prefixBytes of [1, 52, PREFIX_BYTES_MAX]) {
    made.slots.writePrefixed(1, prefix, prefixBytes, PAYLOAD_LOW, PAYLOAD_HIGH, 9);
    const { name, vectors, controls, bytesOf } = readMessage(made, 1);
    assert.deepEqual([name.length, controls.length, vectors.length], [0, 0, 2]);
    const [first, second] = vectors;
    assert.deepEqual(bytesOf(first.address, first.bytes), prefix.slice(0, prefixBytes));
    assert.deepEqual(second, { address: BigInt(PAYLOAD), bytes: 9 });
  }
  assert.throws(
    () => made.slots.writePrefixed(1, prefix, PREFIX_BYTES_MAX + 1, 0, 0, 9),
    /fits its slot/,
  );
});

Deno.test("a slot is used again without a trace of what it held before", () => {
  const made = makeSlots();
  const prefix = new Uint8Array(PREFIX_BYTES_MAX).fill(7);
  write(made.slots, NAMES[1], { localAt: IP_WORDS, segmentBytes: 1200 });
  made.slots.writePrefixed(0, prefix, 52, PAYLOAD_LOW, PAYLOAD_HIGH, 9);
  write(made.slots, NAMES[0]);
  const fresh = makeSlots();
  write(fresh.slots, NAMES[0]);
  const { bytesOf: _used, ...again } = readMessage(made, 0);
  const { bytesOf: _fresh, ...once } = readMessage(fresh, 0);
  assert.deepEqual(again, once);
});

Deno.test("slots do not touch one another", () => {
  const made = makeSlots();
  const prefix = new Uint8Array(PREFIX_BYTES_MAX).fill(7);
  write(made.slots, NAMES[0], { slot: 1, localAt: IP_WORDS, segmentBytes: 900 });
  const { bytesOf: _, ...before } = readMessage(made, 1);
  for (const slot of [0, 2, COUNT - 1]) {
    write(made.slots, NAMES[1], { slot, localAt: IP_WORDS, segmentBytes: 1200 });
    made.slots.writePrefixed(slot, prefix, PREFIX_BYTES_MAX, PAYLOAD_LOW, PAYLOAD_HIGH, 9);
  }
  const { bytesOf: __, ...after } = readMessage(made, 1);
  assert.deepEqual(after, before);
  assert.throws(() => write(made.slots, NAMES[0], { slot: COUNT }), /per submission entry/);
});

Deno.test("an address alone stands where the slot says", () => {
  const { slots, memory } = makeSlots();
  const bytes = slots.writeAddress(2, AF_INET6, parseIpWords(CLIENT_V6.ip)!, 0, CLIENT_V6.port);
  const at = Number(join(slots.low(2), slots.high(2))) - BASE + slots.addressOffset;
  const written = new Uint8Array(memory.buffer.slice(at, at + bytes));
  assert.deepEqual(written, encodeSocketAddress(parseIp(CLIENT_V6.ip)!, CLIENT_V6.port));
});

// ---- Receiving ------------------------------------------------------------------------------

/** A buffer as a multishot recvmsg leaves it: struct io_uring_recvmsg_out and what follows. */
function receive(sender: Uint8Array, controls: readonly Control[], payload: string, at = 0) {
  const slab = new Uint8Array(at + 512).fill(0xee);
  const view = new DataView(slab.buffer);
  let control = 0;
  for (const { level, type, bytes } of controls) {
    const start = at + 16 + 32 + control;
    view.setBigUint64(start, BigInt(16 + bytes.length), true);
    view.setInt32(start + 8, level, true);
    view.setInt32(start + 12, type, true);
    slab.set(bytes, start + 16);
    control += (16 + bytes.length + 7) & ~7;
  }
  const text = new TextEncoder().encode(payload);
  [sender.length, control, text.length, 0].forEach((each, i) => {
    view.setUint32(at + i * 4, each, true);
  });
  slab.set(sender, at + 16);
  slab.set(text, at + MESSAGE_PAYLOAD_OFFSET);
  return { slab, words: new Int32Array(slab.buffer), at };
}

function targetOf({ slab, words, at }: ReturnType<typeof receive>): string {
  const target = new Int32Array(IP_WORDS + 1).fill(-1);
  readMessageTarget(slab, words, at, target, 1);
  return formatIpWords(target, 1);
}

const SENDER = encodeSocketAddress(parseIp("192.0.2.7")!, 5353);
const LOCAL: Control = {
  level: SOL_IP,
  type: IP_PKTINFO,
  // Interface 3, the address to reply from, the one in the header.
  bytes: Uint8Array.of(3, 0, 0, 0, 198, 51, 100, 1, 198, 51, 100, 255),
};
const LOCAL_V6: Control = {
  level: SOL_IPV6,
  type: IPV6_PKTINFO,
  bytes: Uint8Array.of(...parseIp("2001:db8::1")!, 3, 0, 0, 0),
};
const SEGMENTS: Control = { level: SOL_UDP, type: UDP_GRO, bytes: Uint8Array.of(0xb0, 4, 0, 0) };
const OTHER: Control = { level: 1, type: 29, bytes: Uint8Array.of(1, 2, 3, 4, 5) };

Deno.test("payload and sender of a datagram are found, wherever its buffer is", () => {
  for (const at of [0, 68 * 1024]) {
    const { slab, words } = receive(SENDER, [], "question", at);
    const bytes = messagePayloadBytes(words, at / 4);
    const start = at + MESSAGE_PAYLOAD_OFFSET;
    assert.equal(new TextDecoder().decode(slab.subarray(start, start + bytes)), "question");
    const client = new Int32Array(IP_WORDS);
    const port = readSocketAddress(slab, at + MESSAGE_SENDER_OFFSET, client, 0);
    assert.deepEqual([formatIpWords(client, 0), port], ["192.0.2.7", 5353]);
  }
});

Deno.test("the address that a datagram was sent to is read, whatever else the kernel tells", () => {
  for (const at of [0, 1024]) {
    assert.equal(targetOf(receive(SENDER, [LOCAL], "x", at)), "198.51.100.1");
    assert.equal(targetOf(receive(SENDER, [OTHER, LOCAL_V6], "x", at)), "2001:db8::1");
    assert.equal(targetOf(receive(SENDER, [SEGMENTS, LOCAL], "x", at)), "198.51.100.1");
    assert.equal(targetOf(receive(SENDER, [], "x", at)), "::", "it does not tell");
    assert.equal(targetOf(receive(SENDER, [OTHER, SEGMENTS], "x", at)), "::");
  }
});

Deno.test("what stood in the buffer before is no control message", () => {
  const used = receive(SENDER, [LOCAL, SEGMENTS], "x");
  used.words[1] = 0;
  assert.equal(targetOf(used), "::");
  assert.equal(messageSegmentBytes(used.words, 0), 0);
});

Deno.test("several datagrams in one buffer tell their size, one alone does not", () => {
  const sizeOf = (...controls: Control[]) => {
    const { words, at } = receive(SENDER, controls, "x", 1024);
    return messageSegmentBytes(words, at);
  };
  assert.equal(sizeOf(SEGMENTS), 1200);
  assert.equal(sizeOf(LOCAL, SEGMENTS), 1200);
  assert.equal(sizeOf(LOCAL_V6, OTHER), 0);
  assert.equal(sizeOf(), 0);
});
