import assert from "node:assert/strict";
import { parseConfig } from "../config/parse_config.ts";
import { foreignBinds } from "./foreign_binds.ts";

/** What is said of a listener that is bound to these, on a machine that has those addresses. */
function warnings(binds: readonly string[], addresses: readonly string[], more = ""): string[] {
  const text = `
listeners: { web: { bind: ${JSON.stringify(binds)}, backend: app, ${more} } }
backends: { app: ["10.0.0.1:1"] }
`;
  const { config, diagnostics } = parseConfig(text, "f", {});
  assert.ok(config !== null, JSON.stringify(diagnostics));
  return foreignBinds(config, addresses.map((address) => ({ address })));
}

Deno.test("an address that no interface has: listener, address, and how to look", () => {
  assert.deepEqual(warnings(["192.0.2.1:80"], ["127.0.0.1", "10.0.0.7"]), [
    'listener "web" is bound to "192.0.2.1:80", but no interface of this machine has that ' +
    'address now (see "ip address"); nothing will come until one gets it; ":80" would be every ' +
    "address",
  ]);
});

Deno.test("nothing is said of addresses that an interface has, however they are written", () => {
  assert.deepEqual(warnings(["10.0.0.7:80-90"], ["10.0.0.7"]), []);
  assert.deepEqual(warnings(["[2001:db8::7]:80"], ["2001:DB8:0:0:0:0:0:7"]), []);
  assert.deepEqual(warnings(["[::ffff:10.0.0.7]:80"], ["10.0.0.7"]), []);
  assert.deepEqual(warnings(["[fe80::7]:80"], ["fe80::7%eth0"]), []);
});

Deno.test("nor of every address, of loopback, of sockets that have none", () => {
  const always = [":80", "0.0.0.0:81", "[::]:82", "127.0.0.1:83", "127.9.9.9:84"];
  assert.deepEqual(warnings([...always, "unix:/run/web.sock", "systemd:web"], []), []);
});

Deno.test("each address is told by itself, a range once; of UDP as well", () => {
  const binds = ["192.0.2.1:80-90", "[2001:db8::1]:80", ":70"];
  for (const more of ["", "protocol: udp"]) {
    const told = warnings(binds, ["127.0.0.1"], more);
    assert.equal(told.length, 2);
    assert.match(told[0], /"192\.0\.2\.1:80-90".*; ":80-90" would be every address$/);
    assert.match(told[1], /"\[2001:db8::1\]:80".*; ":80" would be every address$/);
  }
});
