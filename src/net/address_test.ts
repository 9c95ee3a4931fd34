import assert from "node:assert/strict";
import fc from "fast-check";
import {
  formatBind,
  formatHostPort,
  formatIp,
  isHostName,
  parseBind,
  type Parsed,
  parseIp,
  parseIpv4,
  parseIpv6,
  parseServerAddress,
  parseUnixPath,
  PORT_RANGE_MAX,
} from "./address.ts";

const ipv4 = fc.uint8Array({ minLength: 4, maxLength: 4 });
/** Zero and all-ones groups often, since runs of them are what the forms differ in. */
const ipv6 = fc.array(fc.oneof(fc.constantFrom(0, 0, 1, 0xffff), fc.nat(0xffff)), {
  minLength: 8,
  maxLength: 8,
}).map((groups) => Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 255])));

Deno.test("what formatIp writes, parseIp reads as the same bytes", () => {
  fc.assert(
    fc.property(fc.oneof(ipv4, ipv6), (bytes) => {
      assert.deepEqual(parseIp(formatIp(bytes)), bytes);
    }),
    { seed: 1, numRuns: 500 },
  );
});

Deno.test("an IPv6 address written out in full, in any case, is the same address", () => {
  fc.assert(
    fc.property(ipv6, fc.boolean(), (bytes, isUpper) => {
      const groups = Array.from({ length: 8 }, (_, i) => bytes[2 * i] << 8 | bytes[2 * i + 1]);
      const text = groups.map((group) => group.toString(16).padStart(4, "0")).join(":");
      assert.deepEqual(parseIpv6(isUpper ? text.toUpperCase() : text), bytes);
    }),
    { seed: 1 },
  );
});

Deno.test("no text makes parsing throw, and what is accepted is written in one way", () => {
  const text = fc.string({
    unit: fc.constantFrom(..."0123456789abfAF:.[]%/-*, x".split(""), "unix:", "systemd:", "-80"),
    maxLength: 30,
  });
  fc.assert(
    fc.property(text, (text) => {
      const parsed = parseServerAddress(text);
      if (parsed.ok) {
        const again = formatHostPort(parsed.value.host, parsed.value.port);
        assert.deepEqual(parseServerAddress(again), parsed);
      } else assert.notEqual(parsed.problem.message, "");
      const bind = parseBind(text);
      if (bind.ok) {
        assert.deepEqual(parseBind(formatBind(bind.value)), bind);
      }
    }),
    { seed: 1, numRuns: 3000 },
  );
});

Deno.test("IPv6 is written as RFC 5952 has it", () => {
  const forms: [string, string][] = [
    ["2001:0DB8:0:0:0:0:0:0001", "2001:db8::1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["1:0:0:0:0:0:0:0", "1::"],
    // One zero group alone is written out; of two runs the longest, of equals the first.
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["::ffff:c000:0201", "::ffff:192.0.2.1"],
    ["1::2:3:4:5:6:7", "1:0:2:3:4:5:6:7"],
  ];
  for (const [text, canonical] of forms) assert.equal(formatIp(parseIpv6(text)!), canonical, text);
});

Deno.test("an IPv6 address may end in an IPv4 one, and only end", () => {
  assert.equal(formatIp(parseIpv6("64:ff9b::192.0.2.33")!), "64:ff9b::c000:221");
  assert.equal(formatIp(parseIpv6("1:2:3:4:5:6:1.2.3.4")!), "1:2:3:4:5:6:102:304");
  for (const text of ["1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "::1.2.3"]) {
    assert.equal(parseIpv6(text), null, text);
  }
});

Deno.test("IPv4 is four decimal numbers: what inet_aton takes beyond that is refused", () => {
  assert.deepEqual(parseIpv4("0.10.200.255"), Uint8Array.of(0, 10, 200, 255));
  const others = ["127.1", "1.2.3.4.5", "010.0.0.1", "0x7f.0.0.1", "256.0.0.1", "1.2.3.", "1..2.3"];
  const dressed = ["", " 1.2.3.4", "1.2.3.4 ", "1.2.3.4\n", "+1.2.3.4", "1.2.3.-4", "1.2.3.00"];
  for (const text of [...others, ...dressed]) assert.equal(parseIpv4(text), null, text);
});

Deno.test("what is almost IPv6 is refused", () => {
  const counts = [":::", "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::"];
  const others = ["::1%eth0", "[::1]", "::g", "::12345", ":1", "1:", "", "::1 ", "1.2.3.4"];
  for (const text of [...counts, ...others]) assert.equal(parseIpv6(text), null, text);
});

Deno.test("formatIp takes 4 or 16 bytes", () => {
  assert.throws(() => formatIp(new Uint8Array(5)));
});

Deno.test("host names are labels of letters, digits, hyphens and underscores", () => {
  const names = [
    "a",
    "localhost",
    "app-1.internal",
    "_sip._tcp.example.com",
    "example.com.",
    "3com",
  ];
  const long = ["x".repeat(63), `${"x.".repeat(126)}x`, `${"x.".repeat(126)}x.`];
  for (const text of [...names, ...long]) assert.ok(isHostName(text), text);
  const others = ["", ".", "-a", "a-", "a..b", "a b", "bücher", "a/b", "*.a", "x".repeat(64)];
  for (const text of [...others, `${"x.".repeat(127)}x`]) assert.ok(!isHostName(text), text);
});

Deno.test("a name whose last label is a number is no host name but a mistyped address", () => {
  // Resolvers hand such names to inet_aton(3), which takes them for addresses.
  for (const text of ["1", "10.0.0.256", "0x7f000001", "127.0x1", "a.0X", "1.2.3.4."]) {
    assert.ok(!isHostName(text), text);
  }
});

function problemOf(parsed: Parsed<unknown>): string {
  assert.ok(!parsed.ok);
  const { message, hint } = parsed.problem;
  return hint === undefined ? message : `${message} -> ${hint}`;
}

Deno.test("a listener binds a port of every address, or of one IP address", () => {
  const forms: [string, string, number][] = [
    [":8080", "", 8080],
    [":0", "", 0],
    ["0.0.0.0:80", "0.0.0.0", 80],
    ["10.0.0.1:65535", "10.0.0.1", 65535],
    ["[::]:443", "::", 443],
    ["[0:0:0:0:0:0:0:1]:443", "::1", 443],
  ];
  for (const [text, host, port] of forms) {
    assert.deepEqual(parseBind(text), {
      ok: true,
      value: { kind: "ip", host, port, lastPort: port },
    });
  }
});

Deno.test("a bind address may have a range of ports", () => {
  const forms: [string, string, number, number][] = [
    [":8000-8010", "", 8000, 8010],
    ["10.0.0.1:1-2", "10.0.0.1", 1, 2],
    ["[0::1]:64512-65535", "::1", 64512, 65535],
  ];
  for (const [text, host, port, lastPort] of forms) {
    assert.deepEqual(parseBind(text), { ok: true, value: { kind: "ip", host, port, lastPort } });
  }
  assert.ok(parseBind(`:1-${PORT_RANGE_MAX}`).ok);
});

Deno.test("what is wrong with a range of ports is told with what to write", () => {
  const zero = "port 0 lets the kernel pick one, and is no part of a range";
  const slips: [string, string][] = [
    [":0-10", `has the port range "0-10", which begins with 0 -> ${zero}`],
    [":80-80", 'has the port range "80-80" of one port -> write ":80"'],
    [
      "[::1]:90-80",
      'has the port range "90-80", whose first port is above its last -> write "[::1]:80-90"',
    ],
    [
      ":1-1025",
      'has the port range "1-1025" of 1025 ports; at most 1024 are allowed -> ' +
      "each port is a socket in every worker",
    ],
    [":65000-65536", 'has port "65536"; a port is a number from 0 to 65535'],
    ["*:80-90", 'has no valid IP address: "*" -> write ":80-90"'],
    [":80 - 90", 'has a range of ports in another form: ":80 - 90" -> write ":80-90"'],
    [":80..90", 'has a range of ports in another form: ":80..90" -> write ":80-90"'],
    [":80-", 'has port "80-"; a port is a number from 0 to 65535'],
    [":80,:81", 'holds more than one address: ":80,:81" -> write them one by one, as a list'],
  ];
  for (const [text, problem] of slips) assert.equal(problemOf(parseBind(text)), problem);
  const server = 'has a range of ports: "a:80-90" -> write one server per port';
  assert.equal(problemOf(parseServerAddress("a:80-90")), server);
});

Deno.test("a bind address may be a unix socket by its path, or a socket of systemd by name", () => {
  const path = `/${"a".repeat(106)}`;
  for (const each of ["/run/x.sock", "/a b", path]) {
    assert.deepEqual(parseBind(`unix:${each}`), { ok: true, value: { kind: "unix", path: each } });
    assert.deepEqual(parseUnixPath(`unix:${each}`), { ok: true, value: each });
  }
  for (const name of ["web", "Web_1.sock-et", "80"]) {
    assert.deepEqual(parseBind(`systemd:${name}`), { ok: true, value: { kind: "systemd", name } });
  }
});

Deno.test("what is wrong with a socket's path or name is told with what to write", () => {
  const found = (text: string) => `must be written as "unix:/path", found "${text}"`;
  const abstract = 'write a path such as "unix:/run/app.sock", which has permissions';
  const name = "the FileDescriptorName= of the socket unit: letters, digits and . _ -";
  const slips: [string, string][] = [
    ["unix:@app", `names an abstract socket: "unix:@app" -> ${abstract}`],
    ["abns@app", `names an abstract socket: "abns@app" -> ${abstract}`],
    ["unix:run/x", 'must be an absolute path after "unix:", found "unix:run/x"'],
    ["unix:", 'must be an absolute path after "unix:", found "unix:"'],
    [
      "unix:/run/",
      'must be an absolute path after "unix:", found "unix:/run/" -> ' +
      'a path that ends in "/" is a folder',
    ],
    ["unix:///run/x", `${found("unix:///run/x")} -> write "unix:/run/x"`],
    ["unix@/run/x", `${found("unix@/run/x")} -> write "unix:/run/x"`],
    ["UNIX:/run/x", `${found("UNIX:/run/x")} -> write "unix:/run/x"`],
    ["/run/x.sock", `${found("/run/x.sock")} -> write "unix:/run/x.sock"`],
    ["./x.sock", 'must be an absolute path after "unix:", found "./x.sock"'],
    ["unix:/a\0b", 'has a control character in its path: "unix:/a\\u{0}b"'],
    [
      `unix:/${"ü".repeat(54)}`,
      "has a path of 109 bytes; at most 107 are allowed -> " +
      "use a shorter path: the kernel has room for no more",
    ],
    ["systemd:", `has no valid name of a socket after systemd: "systemd:" -> ${name}`],
    ["systemd:a/b", `has no valid name of a socket after systemd: "systemd:a/b" -> ${name}`],
  ];
  for (const [text, problem] of slips) assert.equal(problemOf(parseBind(text)), problem);
});

Deno.test("formatBind writes what parseBind reads", () => {
  for (const text of [":80", "10.0.0.1:80-90", "[::1]:0", "unix:/run/x", "systemd:web"]) {
    const parsed = parseBind(text);
    assert.ok(parsed.ok);
    assert.equal(formatBind(parsed.value), text);
  }
});

Deno.test("what is wrong with a bind address is told with what to write", () => {
  const slips: [string, string][] = [
    ["8080", 'must be an address, found "8080" -> write ":8080"'],
    ["*:80", 'has no valid IP address: "*" -> write ":80"'],
    ["LOCALHOST:80", 'has no valid IP address: "LOCALHOST" -> write "127.0.0.1:80"'],
    ["10.0.0.1", 'has no port: "10.0.0.1" -> write "10.0.0.1:PORT"'],
    ["fe80::1", 'has no port: "fe80::1" -> write "[fe80::1]:PORT"'],
    ["::1:80", 'has an IPv6 address without brackets: "::1:80" -> write "[::1]:80"'],
    [":65536", 'has port "65536"; a port is a number from 0 to 65535'],
    [":", 'has port ""; a port is a number from 0 to 65535'],
    [":080", 'has port "080"; a port is a number from 0 to 65535'],
    [
      ":$PORT",
      'has port "$PORT"; a port is a number from 0 to 65535 ' +
      '-> a variable is written as "${PORT}"',
    ],
    ["", 'must be an address such as ":8080", found ""'],
  ];
  for (const [text, problem] of slips) assert.equal(problemOf(parseBind(text)), problem);
});

Deno.test("a name that JavaScript objects have is no address word", () => {
  const hint = 'a listener binds an IP address; ":PORT" is all of them';
  for (const host of ["constructor", "__proto__"]) {
    const problem = `has no valid IP address: "${host}" -> ${hint}`;
    assert.equal(problemOf(parseBind(`${host}:80`)), problem);
  }
});

Deno.test("a server is an IP address or a host name, with a port", () => {
  const forms: [string, string, number][] = [
    ["10.0.0.1:80", "10.0.0.1", 80],
    ["[2001:DB8::1]:80", "2001:db8::1", 80],
    ["App.Internal:8080", "app.internal", 8080],
    ["my_service:1", "my_service", 1],
  ];
  for (const [text, host, port] of forms) {
    assert.deepEqual(parseServerAddress(text), { ok: true, value: { host, port } });
  }
});

Deno.test("what is wrong with a server's address is told with what to write", () => {
  const ipv4 = "IPv4 is four decimal numbers from 0 to 255, without zeros in front";
  const slips: [string, string][] = [
    ["app:0", 'has port "0"; a port is a number from 1 to 65535'],
    [":80", 'has no host: ":80" -> write "127.0.0.1:80"'],
    ["http://app:80/x", 'takes no scheme, found "http://app:80/x" -> write "app:80"'],
    ["file:///x", 'takes no scheme, found "file:///x"'],
    ["app:80/x", 'takes no path, found "app:80/x" -> write "app:80"'],
    ["a:80,b:80", 'holds more than one address: "a:80,b:80" -> write them one by one, as a list'],
    ["a:80 b:80", 'holds more than one address: "a:80 b:80" -> write them one by one, as a list'],
    ["a: 80", 'holds a blank: "a: 80" -> remove it'],
    ["10.0.0.256:80", `has no valid IP address: "10.0.0.256" -> ${ipv4}`],
    ["010.0.0.1:80", `has no valid IP address: "010.0.0.1" -> ${ipv4}`],
    ["0x7f000001:80", `has no valid IP address: "0x7f000001" -> ${ipv4}`],
    [
      "*.a.com:80",
      'has no valid IP address or host name: "*.a.com" -> ' +
      "a server is one machine; there are no wildcards here",
    ],
    [
      "[10.0.0.1]:80",
      'has no valid IPv6 address in its brackets: "[10.0.0.1]:80" -> ' +
      'write "10.0.0.1:80"',
    ],
    [
      "[::1%eth0]:80",
      'has no valid IPv6 address in its brackets: "[::1%eth0]:80" -> ' +
      "interface names (%eth0) are not read",
    ],
    ["[::1]", 'has no port: "[::1]" -> write "[::1]:PORT"'],
    ["[::1]80", 'is not of the form "[IPv6]:PORT": "[::1]80" -> write "[::1]:80"'],
    ["[::1", 'is not of the form "[IPv6]:PORT": "[::1" -> write "[::1]:PORT"'],
    ["app:x:80", 'has more than one port: "app:x:80"'],
    ["80", 'must be an address such as "10.0.0.1:80", found "80"'],
  ];
  for (const [text, problem] of slips) assert.equal(problemOf(parseServerAddress(text)), problem);
});

Deno.test("a text of a megabyte is refused at once", () => {
  const began = performance.now();
  for (
    const unit of [
      "1:",
      "[",
      "a.",
      "1,",
      ":",
      "%",
      "::",
      "1 ",
      "[::1]:8",
      "/",
      "unix:/",
      ":1-",
      "1 to ",
    ]
  ) {
    assert.ok(!parseServerAddress(unit.repeat(500_000)).ok, unit);
    assert.ok(!parseBind(unit.repeat(500_000)).ok, unit);
  }
  const ms = performance.now() - began;
  assert.ok(ms < 5000, `${ms} ms`);
});
