import assert from "node:assert/strict";
import { DNS_TYPES, parseDnsQuestion } from "./dns_question.ts";

function question(text: string): string {
  const parsed = parseDnsQuestion(text);
  assert.ok(parsed.ok, text);
  return `${parsed.name} ${parsed.type}`;
}

function problem(text: string): string {
  const parsed = parseDnsQuestion(text);
  assert.ok(!parsed.ok, text);
  return `${parsed.problem.message} -> ${parsed.problem.hint}`;
}

Deno.test("a name alone asks for its address", () => {
  assert.equal(question("example.com"), "example.com A");
  assert.equal(question("Example.COM."), "example.com A");
});

Deno.test("each type can be asked for", () => {
  for (const type of DNS_TYPES) assert.equal(question(`a.example ${type}`), `a.example ${type}`);
  assert.equal(question(". NS"), ". NS");
  assert.equal(question("_sip._udp.example.com SRV"), "_sip._udp.example.com SRV");
  assert.equal(question("1.0.0.127.in-addr.arpa PTR"), "1.0.0.127.in-addr.arpa PTR");
});

Deno.test("other orders and spellings are told how to write them", () => {
  const types = "must be a name and one of the known types";
  assert.equal(
    problem("example.com ns"),
    `${types}, found "example.com ns" -> write "example.com NS"`,
  );
  assert.equal(
    problem("NS example.com"),
    `${types}, found "NS example.com" -> write "example.com NS"`,
  );
  assert.equal(
    problem("example.com IN ns"),
    'must be a question such as "example.com NS", found "example.com IN ns" -> ' +
      'write "example.com NS"',
  );
  assert.match(problem("example.com ANY"), /-> types: A, AAAA, CNAME, MX, NS, PTR, SOA, SRV, TXT$/);
});

Deno.test("what cannot be a name is refused", () => {
  for (
    const name of ["", " ", "a..b", ".a", "-a.b", "a-.b", "a/b", "a".repeat(64), " example.com"]
  ) {
    assert.equal(parseDnsQuestion(name).ok, false, name);
  }
  assert.match(problem("bücher.example"), /-> write it as it is asked for: xn--\.\.\.$/);
  const long = new Array(64).fill("abc").join(".");
  assert.equal(parseDnsQuestion(long).ok, false);
  assert.equal(question(long.slice(0, 251)), `${long.slice(0, 251)} A`);
});
