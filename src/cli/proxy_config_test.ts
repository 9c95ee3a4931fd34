import assert from "node:assert/strict";
import fc from "fast-check";
import { parseConfig } from "../config/parse_config.ts";
import { UsageError } from "./command_line.ts";
import { explainArgument, makeProxyConfig, type ProxyArguments } from "./proxy_config.ts";

const LISTEN = ":8080";
const SERVERS = ["10.0.0.1:80"];

function configOf(given: Partial<ProxyArguments>) {
  const { text } = makeProxyConfig({ listen: LISTEN, servers: SERVERS, ...given });
  const { config, diagnostics } = parseConfig(text, "f", {});
  assert.deepEqual(diagnostics, [], text);
  return config!;
}

/** What is said of arguments that are wrong. */
function complaints(given: Partial<ProxyArguments>): string[] {
  const made = makeProxyConfig({ listen: LISTEN, servers: SERVERS, ...given });
  const { config, diagnostics } = parseConfig(made.text, "f", {});
  assert.equal(config, null);
  return diagnostics.map((diagnostic) => explainArgument(made, diagnostic));
}

Deno.test("two arguments are a listener and a backend, the rest is as a file has it", () => {
  const made = makeProxyConfig({ listen: LISTEN, servers: ["10.0.0.1:80", "[::1]:80"] });
  assert.equal(
    made.text,
    `# Made by "ringway proxy"; to run it: ringway serve -c FILE
listeners:
  proxy:
    bind: ":8080"
    backend: servers
backends:
  servers:
    servers:
      - 10.0.0.1:80
      - "[::1]:80"
`,
  );
});

Deno.test("each option has its key", () => {
  const config = configOf({
    ...{ protocol: "tcp", balance: "least_conn", check: "/healthz?a=b", workers: "3" },
  });
  assert.equal(config.workers, 3);
  assert.equal(config.listeners[0].protocol, "tcp");
  assert.equal(config.backends[0].balance, "least_conn");
  const { probe } = config.backends[0].healthCheck!;
  assert.deepEqual(probe.kind === "http" && probe.path, "/healthz?a=b");
  assert.equal(configOf({ check: "tcp" }).backends[0].healthCheck!.probe.kind, "tcp");
  assert.deepEqual(configOf({ socket: "/run/x.sock" }).admin, { path: "/run/x.sock" });
  assert.equal(configOf({ workers: "auto" }).workers, "auto");
  assert.equal(configOf({ protocol: "udp" }).listeners[0].protocol, "udp");
});

Deno.test("every form of address that a file takes", () => {
  const servers = ["10.0.0.1:80", "[fd00::1]:80", "app.internal:80", "unix:/run/a.sock"];
  const [backend] = configOf({ servers }).backends;
  assert.deepEqual(backend.servers.map(({ host, port, unixPath }) => unixPath ?? [host, port]), [
    ["10.0.0.1", 80],
    ["fd00::1", 80],
    ["app.internal", 80],
    "/run/a.sock",
  ]);
  for (const listen of [":0", "127.0.0.1:80", "[::1]:80", "unix:/run/x", ":80-82"]) {
    assert.equal(configOf({ listen }).listeners[0].binds[0].text, listen);
  }
});

Deno.test("what is wrong is told of the argument, with what to write", () => {
  assert.deepEqual(complaints({ listen: "8080" }), [
    'LISTEN must be an address, found "8080"; write ":8080"',
  ]);
  assert.deepEqual(complaints({ servers: ["10.0.0.1", "a:1", "a:1"] }), [
    'SERVER has no port: "10.0.0.1"; write "10.0.0.1:PORT"',
    'SERVER: the address "a:1" occurs twice in backend "servers"',
  ]);
  const [balance] = complaints({ balance: "lest_conn" });
  assert.match(balance, /^--balance must be one of .*; did you mean "least_conn"\?$/);
  assert.deepEqual(complaints({ socket: "x" }), [
    '--socket must be an absolute path after "unix:", found "unix:x"',
  ]);
  assert.match(complaints({ workers: "0" })[0], /^--workers must be /);
  assert.deepEqual(complaints({ listen: "unix:/a", protocol: "udp" }), [
    'LISTEN: protocol: udp needs an IP address, found "unix:/a"; such as ":53"',
  ]);
  assert.match(
    complaints({ servers: ["a:80=3"] })[0],
    /^SERVER has port "80=3"; .*; weights are for a configuration: add --print/,
  );
});

Deno.test("what a file may have and this may not is refused", () => {
  const refusal = (given: Partial<ProxyArguments>, message: string) =>
    assert.throws(
      () => makeProxyConfig({ listen: LISTEN, servers: SERVERS, ...given }),
      (failure) => failure instanceof UsageError && failure.message === message,
    );
  refusal({ protocol: "tls" }, '--protocol must be tcp or udp, found "tls"');
  refusal({ check: "http" }, '--check must be tcp or a path such as /healthz, found "http"');
});

Deno.test("an argument is one scalar, whatever stands in it", () => {
  const argument = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom(
      "${HOME}:80",
      "$${A}",
      "a: b",
      "- x",
      "#",
      "*a",
      "&a",
      "|",
      "'",
      '"',
      "\n",
      "~",
    ),
  );
  fc.assert(
    fc.property(argument, argument, (listen, server) => {
      const made = makeProxyConfig({ listen, servers: [server], check: `/${server}` });
      const { diagnostics } = parseConfig(made.text, "f", {});
      for (const diagnostic of diagnostics) {
        const text = explainArgument(made, diagnostic);
        assert.match(text, /^(LISTEN|SERVER|--check)\b/, `${made.text}\n${diagnostic.message}`);
        assert.ok(!/environment variable|\bline [0-9]/.test(text), text);
      }
    }),
    { seed: 1, numRuns: 60 },
  );
});
