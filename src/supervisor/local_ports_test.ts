import assert from "node:assert/strict";
import { parseConfig } from "../config/parse_config.ts";
import { localPortNotice, readLocalPorts } from "./local_ports.ts";

/** As /proc has it by default. */
const DEFAULT_RANGE = "32768\t60999\n";

function notice(listeners: string, range: string | null = DEFAULT_RANGE): string | null {
  const text = `
listeners:
  ${listeners.trim()}
backends:
  app: ["10.0.0.1:1"]
  seen: { servers: ["10.0.0.1:2"], transparent: true }
`;
  const { config, diagnostics } = parseConfig(text, "f", {});
  assert.ok(config !== null, JSON.stringify(diagnostics));
  return localPortNotice(config, range);
}

const DNS = 'dns: { bind: ":53", protocol: udp, backend: app }';

function udp(name: string, port: number, flows: number, backend = "app"): string {
  const keys = `bind: ":${port}", protocol: udp, backend: ${backend}`;
  return `${name}: { ${keys}, udp: { flows: ${flows} } }`;
}

Deno.test("more flows than local ports: both numbers, and what widens the range", () => {
  assert.equal(
    notice(DNS),
    "udp.flows allows 65536 flows, each of which takes a local port towards its server; " +
      'net.ipv4.ip_local_port_range has 28232, and "sysctl -w net.ipv4.ip_local_port_range=' +
      "'1024 65535'\" widens it",
  );
  assert.match(notice(DNS, "1024 65535")!, /has 64512, which is as wide as it gets$/);
});

Deno.test("as many flows as there are ports are enough, over all listeners", () => {
  assert.equal(notice(udp("dns", 53, 28_232)), null);
  assert.match(notice(udp("dns", 53, 28_233))!, /allows 28233 flows/);
  const two = `${udp("dns", 53, 20_000)}\n  ${udp("quic", 443, 20_000)}`;
  assert.match(notice(two)!, /allows 40000 flows/);
});

Deno.test("connections take no port of their own, nor do flows from their client's address", () => {
  assert.equal(notice('web: { bind: ":80", backend: app }'), null);
  assert.equal(notice(udp("dns", 53, 65_536, "seen")), null);
});

Deno.test("a kernel that does not tell is asked no more of", () => {
  for (const range of [null, "", "x y", "5"]) assert.equal(notice(DNS, range), null);
});

Deno.test("this kernel tells two numbers", () => {
  assert.match(readLocalPorts() ?? "", /^[0-9]+\s+[0-9]+\s*$/);
});
