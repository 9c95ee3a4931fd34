import assert from "node:assert/strict";
import { DONE, ProxyHeader } from "../proxy_protocol/proxy_header.ts";
import { makePreface } from "./proxy_preface.ts";

Deno.test("a preface is a header without an address, and nothing more", () => {
  assert.equal(new TextDecoder().decode(makePreface("v1")), "PROXY UNKNOWN\r\n");
  for (const version of ["v1", "v2"] as const) {
    const preface = makePreface(version);
    const header = new ProxyHeader();
    assert.equal(header.parse(preface, 0, preface.length), DONE);
    assert.equal(header.headerBytes, preface.length);
  }
  assert.equal(makePreface("v2").length, 16);
});
