import assert from "node:assert/strict";
import { parseConfig } from "../config/parse_config.ts";
import { parseIp } from "../net/address.ts";
import { encodeSocketAddress, encodeUnixAddress } from "../net/socket_address.ts";
import { ServerAddresses } from "./server_addresses.ts";

/** Addresses of two backends, names looked up in `names`; what happens is written down. */
function makeAddresses(names: Record<string, string>) {
  const text = `
listeners:
  web: { bind: ":80", backend: app }
backends:
  app: ["10.0.0.1:80", { address: "app.internal:81", name: app-2 }]
  more: ["[fd00::1]:82", "gone.internal:83"]
`;
  const { config } = parseConfig(text, "f", {});
  assert.notEqual(config, null);
  const changes: [number, readonly number[]][] = [];
  const warnings: string[] = [];
  const addresses = new ServerAddresses(
    config!,
    (server, address) => changes.push([server, address]),
    (warning) => warnings.push(warning),
    (name) => {
      const literal = names[name];
      return literal === undefined
        ? Promise.reject(new Error("not found"))
        : Promise.resolve(literal);
    },
  );
  return { addresses, changes, warnings };
}

function bytesOf(ip: string, port: number): number[] {
  return [...encodeSocketAddress(parseIp(ip)!, port)];
}

Deno.test("literals are known at once, names are empty until they resolve", () => {
  const { addresses } = makeAddresses({});
  assert.deepEqual(addresses.texts, ["10.0.0.1:80", null, "[fd00::1]:82", null]);
  assert.deepEqual(addresses.bytes, [bytesOf("10.0.0.1", 80), [], bytesOf("fd00::1", 82), []]);
});

Deno.test("a name that resolves is told by its number through all backends", async () => {
  const { addresses, changes, warnings } = makeAddresses({
    "app.internal": "10.0.0.9",
    "gone.internal": "fd00::9",
  });
  await addresses.resolveAll();
  assert.deepEqual(changes, [[1, bytesOf("10.0.0.9", 81)], [3, bytesOf("fd00::9", 83)]]);
  assert.deepEqual(addresses.texts, ["10.0.0.1:80", "10.0.0.9:81", "[fd00::1]:82", "[fd00::9]:83"]);
  assert.deepEqual(warnings, []);
});

Deno.test("only a name that moved is told again", async () => {
  const names: Record<string, string> = { "app.internal": "10.0.0.9", "gone.internal": "10.0.0.8" };
  const { addresses, changes } = makeAddresses(names);
  await addresses.resolveAll();
  await addresses.resolveAll();
  assert.equal(changes.length, 2);
  names["app.internal"] = "10.0.0.10";
  await addresses.resolveAll();
  assert.deepEqual(changes[2], [1, bytesOf("10.0.0.10", 81)]);
});

Deno.test("a name that does not resolve is warned of once, and again after it did", async () => {
  const names: Record<string, string> = { "app.internal": "10.0.0.9" };
  const { addresses, warnings } = makeAddresses(names);
  await addresses.resolveAll();
  await addresses.resolveAll();
  const never = 'server "gone.internal:83": "gone.internal" does not resolve (not found); ' +
    "it gets no connections until it does";
  assert.deepEqual(warnings, [never]);
  names["gone.internal"] = "10.0.0.8";
  await addresses.resolveAll();
  delete names["gone.internal"];
  await addresses.resolveAll();
  assert.deepEqual(
    warnings[1],
    never.replace(
      "it gets no connections until it does",
      "its last address 10.0.0.8:83 stays in use",
    ),
  );
  assert.equal(addresses.texts[3], "10.0.0.8:83");
});

Deno.test("a unix socket is known at once by its path, and is not looked up", async () => {
  const text = `
listeners:
  web: { bind: ":80", backend: app }
backends:
  app: [{ address: "unix:/run/app.sock", name: app }, "10.0.0.1:80"]
`;
  const { config, diagnostics } = parseConfig(text, "f", {});
  assert.ok(config !== null, JSON.stringify(diagnostics));
  const never = () => assert.fail("nothing changes, nothing is warned of or looked up");
  const addresses = new ServerAddresses(config, never, never, never);
  assert.deepEqual(addresses.texts, ["unix:/run/app.sock", "10.0.0.1:80"]);
  const path = [...encodeUnixAddress("/run/app.sock")];
  assert.deepEqual(addresses.bytes, [path, bytesOf("10.0.0.1", 80)]);
  await addresses.resolveAll();
  assert.deepEqual(addresses.bytes[0], path);
  // No timer is left behind, which the test runner would notice.
  addresses.follow();
});
