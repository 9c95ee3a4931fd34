import assert from "node:assert/strict";
import fc from "fast-check";
import { AccessList } from "./access_list.ts";
import { CidrSet } from "./cidr.ts";
import { parseIpWords } from "./ip_words.ts";

function admits(allow: string[], deny: string[], ip: string): boolean {
  return new AccessList(allow, deny).admits(parseIpWords(ip)!, 0);
}

Deno.test("without ranges everybody is admitted, and the list says so", () => {
  assert.ok(new AccessList([], []).isOpen);
  assert.ok(admits([], [], "10.0.0.1"));
  assert.ok(admits([], [], "2001:db8::1"));
  assert.ok(!new AccessList(["0.0.0.0/0", "::/0"], []).isOpen);
  assert.ok(!new AccessList([], ["10.0.0.1"]).isOpen);
});

Deno.test("with ranges allowed, only those are admitted, whatever the family", () => {
  assert.ok(admits(["10.0.0.0/8"], [], "10.9.9.9"));
  assert.ok(!admits(["10.0.0.0/8"], [], "11.0.0.1"));
  assert.ok(!admits(["10.0.0.0/8"], [], "2001:db8::1"));
});

Deno.test("with ranges denied, all but those are admitted", () => {
  assert.ok(!admits([], ["10.0.0.0/8"], "10.9.9.9"));
  assert.ok(admits([], ["10.0.0.0/8"], "11.0.0.1"));
  assert.ok(admits([], ["10.0.0.0/8"], "2001:db8::1"));
});

Deno.test("what is denied is out, however narrow or wide the range that allows it", () => {
  assert.ok(!admits(["10.0.0.0/8"], ["10.1.0.0/16"], "10.1.2.3"));
  assert.ok(!admits(["10.1.2.3"], ["10.0.0.0/8"], "10.1.2.3"));
  assert.ok(admits(["10.0.0.0/8"], ["10.1.0.0/16"], "10.2.0.1"));
});

Deno.test("a list admits what is allowed and not denied, for any ranges and address", () => {
  const ranges = fc.uniqueArray(
    fc.constantFrom("10.0.0.0/8", "10.1.0.0/16", "10.1.2.3", "0.0.0.0/0", "::/0", "2001:db8::/32"),
  );
  const ip = fc.constantFrom("10.1.2.3", "10.1.2.4", "10.2.0.0", "9.9.9.9", "2001:db8::1", "::1");
  fc.assert(
    fc.property(ranges, ranges, ip, (allow, deny, ip) => {
      const words = parseIpWords(ip)!;
      const isAllowed = allow.length === 0 || new CidrSet(allow).contains(words, 0);
      const expected = isAllowed && !new CidrSet(deny).contains(words, 0);
      assert.equal(admits(allow, deny, ip), expected);
    }),
    { seed: 1, numRuns: 500 },
  );
});
