import assert from "node:assert/strict";
import { explainSniPattern, SNI_PATTERN, sniPatternsCovering } from "./sni_pattern.ts";

Deno.test("a pattern is a host name, or one behind a wildcard for whole labels", () => {
  const patterns = ["example.com", "WWW.Example.com", "*.example.com", "*.com", "localhost"];
  for (const text of [...patterns, "my_app.internal", "xn--bcher-kva.example", "*.a.b-c"]) {
    assert.equal(explainSniPattern(text), null, text);
    assert.match(text, new RegExp(SNI_PATTERN));
  }
});

Deno.test("what would never match is refused, with the form that does", () => {
  const forms = '"www.example.com" or "*.example.com"';
  const regexp = `regular expressions are not read; write ${forms}`;
  const slips: [string, string | undefined][] = [
    ["*", "the listener's backend gets what no route takes; remove this route"],
    [".example.com", 'write ["example.com", "*.example.com"]'],
    ["example.com.", 'write "example.com"'],
    ["example.com:443", 'write "example.com"'],
    ["https://example.com", 'write "example.com"'],
    [" *.example.com ", 'write "*.example.com"'],
    ["HostSNI(`example.com`)", 'write "example.com"'],
    ["bücher.example", 'write "xn--bcher-kva.example"'],
    ["*.bücher.example", 'write "*.xn--bcher-kva.example"'],
    ["~^www\\d+\\.example\\.com$", regexp],
    ["^.+\\.example\\.com$", regexp],
    ["HostSNIRegexp(`.+`)", regexp],
    ["10.0.0.1", "who connects to an IP address sends no server name"],
    ["[::1]", "who connects to an IP address sends no server name"],
    ["/api/*", "a tls listener sees server names only, no paths"],
    ["www.*", '"*." stands for whole labels, and in front only'],
    ["*example.com", '"*." stands for whole labels, and in front only'],
    ["*.*.example.com", '"*." stands for whole labels, and in front only'],
    ["-a.example.com", undefined],
    ["", undefined],
  ];
  for (const [text, hint] of slips) {
    const problem = explainSniPattern(text);
    assert.ok(problem !== null, text);
    assert.equal(problem.hint, hint, text);
    assert.ok(problem.message.startsWith(`must be a server name such as ${forms}, found `));
  }
});

Deno.test("a pattern is covered by itself and by wildcards of what is behind its labels", () => {
  assert.deepEqual(sniPatternsCovering("a.b.com"), ["a.b.com", "*.b.com", "*.com"]);
  assert.deepEqual(sniPatternsCovering("*.b.com"), ["*.b.com", "*.com"]);
  assert.deepEqual(sniPatternsCovering("localhost"), ["localhost"]);
});
