import assert from "node:assert/strict";
import fc from "fast-check";
import { parseIp } from "./address.ts";
import { AF_INET, AF_INET6, encodeSocketAddress, portOf } from "./socket_address.ts";

Deno.test("an IPv4 address is a sockaddr_in: family, port in network order, address", () => {
  const bytes = encodeSocketAddress(parseIp("10.1.2.3")!, 8080);
  assert.deepEqual([...bytes], [AF_INET, 0, 0x1f, 0x90, 10, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0, 0]);
});

Deno.test("an IPv6 address is a sockaddr_in6: flow label and scope are zero", () => {
  const bytes = encodeSocketAddress(parseIp("2001:db8::1")!, 443);
  const address = [0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
  assert.deepEqual([...bytes], [AF_INET6, 0, 1, 0xbb, 0, 0, 0, 0, ...address, 0, 0, 0, 0]);
});

Deno.test("portOf reads the port that was encoded", () => {
  fc.assert(
    fc.property(fc.nat(65535), fc.constantFrom("127.0.0.1", "::1"), (port, host) => {
      assert.equal(portOf(encodeSocketAddress(parseIp(host)!, port)), port);
    }),
    { seed: 1 },
  );
});
