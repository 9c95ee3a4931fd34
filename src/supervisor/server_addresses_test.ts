import assert from "node:assert/strict";
import { parseConfig } from "../config/parse_config.ts";
import { parseIp } from "../net/address.ts";
import { encodeSocketAddress, encodeUnixAddress } from "../net/socket_address.ts";
import { TestClock } from "../probe/test_clock.ts";
import { resolveAddresses, resolveName } from "./resolver.ts";
import { ServerAddresses } from "./server_addresses.ts";

/** What stands for a resolver: addresses of each name, separated by blanks. */
type Names = Record<string, string>;

function answer(names: Names, name: string): Promise<string[]> {
  const literals = names[name];
  return literals === undefined
    ? Promise.reject(new Error("not found"))
    : Promise.resolve(literals.split(" "));
}

/** Addresses of two backends, names looked up in `names`; what happens is written down. */
function makeAddresses(names: Names, lookUp = (name: string) => answer(names, name)) {
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
  const notices: string[] = [];
  const clock = new TestClock();
  const addresses = new ServerAddresses(
    config!,
    (server, address) => changes.push([server, address]),
    (level, text) => (level === "warn" ? warnings : notices).push(text),
    lookUp,
    clock,
  );
  return { addresses, changes, warnings, notices, clock };
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

Deno.test("a name that moves is told, and one that resolves again", async () => {
  const names: Names = { "app.internal": "10.0.0.9", "gone.internal": "10.0.0.8" };
  const { addresses, notices } = makeAddresses(names);
  await addresses.resolveAll();
  await addresses.resolveAll();
  assert.deepEqual(notices, []);
  names["app.internal"] = "10.0.0.10";
  await addresses.resolveAll();
  assert.deepEqual(notices.splice(0), [
    'server "app-2": its name "app.internal" leads to 10.0.0.10:81 now, 10.0.0.9:81 before',
  ]);
  const { "gone.internal": _, ...rest } = names;
  for (const [again, past] of [["10.0.0.8", ""], ["10.0.0.7", ", 10.0.0.8:83 before"]]) {
    delete names["gone.internal"];
    await addresses.resolveAll();
    Object.assign(names, rest, { "gone.internal": again });
    await addresses.resolveAll();
    await addresses.resolveAll();
    assert.deepEqual(notices.splice(0), [
      `server "gone.internal:83": "gone.internal" resolves again, to ${again}:83${past}`,
    ]);
  }
});

Deno.test("of several addresses the first is used, and kept while it is among them", async () => {
  const names: Names = { "app.internal": "10.0.0.9 10.0.0.10", "gone.internal": "fd00::1" };
  const { addresses, changes, notices } = makeAddresses(names);
  await addresses.resolveAll();
  assert.equal(addresses.texts[1], "10.0.0.9:81");
  names["app.internal"] = "10.0.0.11 10.0.0.10 10.0.0.9";
  await addresses.resolveAll();
  assert.equal(addresses.texts[1], "10.0.0.9:81");
  assert.equal(changes.length, 2);
  assert.deepEqual(notices, []);
  names["app.internal"] = "fe80::1%eth0 10.0.0.10 10.0.0.11";
  await addresses.resolveAll();
  assert.equal(addresses.texts[1], "10.0.0.10:81", "a zone of an address cannot be used");
});

Deno.test("names are looked up every 30 seconds, but never while one is under way", async () => {
  const asked: { name: string; answer: (literals: string[]) => void }[] = [];
  const { addresses, clock, changes } = makeAddresses({}, (name) => {
    const { promise, resolve } = Promise.withResolvers<string[]>();
    asked.push({ name, answer: resolve });
    return promise;
  });
  addresses.follow();
  await clock.advance(30_000);
  assert.deepEqual(asked.map(({ name }) => name), ["app.internal", "gone.internal"]);
  await clock.advance(300_000);
  assert.equal(asked.length, 2);
  for (const { answer } of asked) answer(["10.0.0.9"]);
  await clock.advance(0);
  assert.equal(asked.length, 4, "it is long due");
  await clock.advance(12_000);
  for (const { answer } of asked) answer(["10.0.0.9"]);
  await clock.advance(17_999);
  assert.equal(asked.length, 4);
  await clock.advance(1);
  assert.equal(asked.length, 6);
  addresses.stop();
  for (const { answer } of asked) answer(["10.0.0.10"]);
  await clock.advance(60_000);
  assert.equal(asked.length, 6);
  assert.equal(clock.timers, 0);
  assert.equal(changes.length, 2, "nothing is told any more");
});

Deno.test("the system's resolver gives all addresses of a name, or says why not", async () => {
  const all = await resolveAddresses("localhost");
  assert.ok(all.length > 0 && all.every((literal) => parseIp(literal) !== null), `${all}`);
  assert.equal(await resolveName("localhost"), all[0]);
  await assert.rejects(resolveAddresses("nothing.invalid"), Error);
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
