import assert from "node:assert/strict";
import fc from "fast-check";
import { DNS_TYPES } from "../config/dns_question.ts";
import { decodeDnsAnswer, encodeDnsQuery } from "./dns_message.ts";

const QUERY = encodeDnsQuery(0x1234, "www.example.com", "AAAA");

/** The query as its answer, with other flags and counts. */
function answer(flags: number, records = 0, query = QUERY): Uint8Array {
  const message = query.slice();
  message.set([flags >> 8, flags & 255], 2);
  message.set([records >> 8, records & 255], 6);
  return message;
}

Deno.test("a query has a header and one question", () => {
  const labels = [3, ..."www"].concat([7, ..."example"], [3, ..."com"]);
  const name = labels.map((part) => typeof part === "number" ? part : part.charCodeAt(0));
  const header = [0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  assert.deepEqual([...QUERY], [...header, ...name, 0, 0, 28, 0, 1]);
});

Deno.test("the root can be asked for, and each type that a configuration may name", () => {
  assert.deepEqual([...encodeDnsQuery(0, ".", "NS").subarray(12)], [0, 0, 2, 0, 1]);
  for (const type of DNS_TYPES) assert.equal(encodeDnsQuery(0, ".", type).length, 17, type);
});

Deno.test("names and types that there are not are refused", () => {
  for (const name of ["", "a..b", ".a", "a".repeat(64), new Array(60).fill("abcd").join(".")]) {
    assert.throws(() => encodeDnsQuery(0, name, "A"), name);
  }
  assert.throws(() => encodeDnsQuery(0, "a", "HINFO"));
  assert.throws(() => encodeDnsQuery(0, "a", "toString"));
});

Deno.test("an answer has a code by name and a count of records", () => {
  assert.deepEqual(decodeDnsAnswer(QUERY, answer(0x8180, 2)), { code: "NOERROR", records: 2 });
  assert.deepEqual(decodeDnsAnswer(QUERY, answer(0x8183)), { code: "NXDOMAIN", records: 0 });
  assert.equal(decodeDnsAnswer(QUERY, answer(0x8182))?.code, "SERVFAIL");
  assert.equal(decodeDnsAnswer(QUERY, answer(0x818b))?.code, "code 11");
});

Deno.test("names come back in any case", () => {
  const upper = encodeDnsQuery(0x1234, "WWW.Example.COM", "AAAA");
  assert.equal(decodeDnsAnswer(QUERY, answer(0x8180, 1, upper))?.code, "NOERROR");
});

Deno.test("a server that cannot read the question answers without it", () => {
  const bare = Uint8Array.of(0x12, 0x34, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0);
  assert.equal(decodeDnsAnswer(QUERY, bare)?.code, "FORMERR");
  bare[3] = 0;
  assert.equal(decodeDnsAnswer(QUERY, bare), null, "good news come with the question");
});

Deno.test("what answers another question, or nothing, is no answer", () => {
  const others = [
    answer(0x8180, 1, encodeDnsQuery(0x1235, "www.example.com", "AAAA")),
    answer(0x8180, 1, encodeDnsQuery(0x1234, "www.example.org", "AAAA")),
    answer(0x8180, 1, encodeDnsQuery(0x1234, "www.example.com", "A")),
    answer(0x0180, 1), // a question
    answer(0xa180, 1), // an answer to something else than a query
    answer(0x8180, 1).subarray(0, 20),
    new Uint8Array(0),
  ];
  for (const message of others) assert.equal(decodeDnsAnswer(QUERY, message), null);
});

Deno.test("any bytes give an answer or none", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (message) => {
    const head = Uint8Array.of(0x12, 0x34, ...message);
    const read = decodeDnsAnswer(QUERY, head);
    assert.ok(read === null || typeof read.code === "string");
  }));
});
