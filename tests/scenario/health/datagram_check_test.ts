import { strictEqual } from "node:assert/strict";
import { configText } from "../config_text.ts";
import { type Answers, DatagramServer, ignoreDatagrams } from "../datagram_server.ts";
import { askDatagram } from "../datagram_socket.ts";
import { named, serverStatus, untilState } from "../health_status.ts";
import { startRingway } from "../ringway_process.ts";
import { answerDns, NOERROR, questionName, questionType, REFUSED, SERVFAIL } from "./dns_answer.ts";

const QUICK = "interval: 150ms, timeout: 150ms, rise: 2, fall: 2";
const AAAA = 28;
const UDP = "protocol: udp, udp: { responses: 1 }";

/** A server whose answers may be changed. */
async function startMoody(first: Answers): Promise<{ server: DatagramServer; be: Be }> {
  let answers = first;
  const server = await DatagramServer.start((...asked) => answers(...asked));
  return { server, be: (other) => answers = other };
}
type Be = (other: Answers) => void;

Deno.test("a DNS check goes by the code of the answer to its own question", async () => {
  const { server: a, be } = await startMoody(answerDns(NOERROR));
  using _a = a;
  await using ringway = await startRingway(configText({
    servers: named({ a }),
    listener: UDP,
    backend: `health_check: { dns: "health.example.test AAAA", ${QUICK} }`,
  }));
  await a.untilAsked(3);
  strictEqual(serverStatus(await ringway.snapshot(), "a").state, "up");
  strictEqual(questionName(a.asked[0].bytes), "health.example.test");
  strictEqual(questionType(a.asked[0].bytes), AAAA);
  be(answerDns(SERVFAIL));
  await untilState(ringway, "a", "down", /SERVFAIL/);
  be(answerDns(NOERROR));
  await untilState(ringway, "a", "up");
  be(answerDns(REFUSED));
  await untilState(ringway, "a", "down", /REFUSED/);
  be(answerDns(NOERROR));
  await untilState(ringway, "a", "up");
  // An answer to a question that nobody asked.
  be(answerDns(NOERROR, 1));
  await untilState(ringway, "a", "down");
  be(answerDns(NOERROR));
  await untilState(ringway, "a", "up");
  be(() => ["no DNS"]);
  await untilState(ringway, "a", "down");
});

Deno.test("a UDP check: the answer must hold what is expected; a closed port fails", async () => {
  const pong: Answers = ({ bytes }) => [bytes[0] === 0xff ? "\u0001 pong" : "a"];
  const { server: a, be } = await startMoody(pong);
  using b = await DatagramServer.start(({ bytes }) => [bytes[0] === 0xff ? "pong" : "b"]);
  const port = a.port;
  await using ringway = await startRingway(configText({
    workers: 2,
    servers: named({ a, b }),
    listener: UDP,
    backend: `health_check: { udp: { send: "\\\\xffping", expect: "pong" }, ${QUICK} }`,
  }));
  await a.untilAsked(3);
  strictEqual(serverStatus(await ringway.snapshot(), "a").state, "up");
  strictEqual(a.asked[0].bytes[0], 0xff);
  be(() => ["ping"]);
  await untilState(ringway, "a", "down", /pong/);
  for (let i = 0; i < 6; i++) strictEqual(await askDatagram(ringway.port()), "b");
  be(pong);
  await untilState(ringway, "a", "up");
  be(ignoreDatagrams);
  await untilState(ringway, "a", "down", /150 ms|timed? ?out/i);
  be(pong);
  await untilState(ringway, "a", "up");
  a[Symbol.dispose]();
  await untilState(ringway, "a", "down", /refused|no answer/);
  using again = await DatagramServer.start(pong, { port });
  await untilState(ringway, "a", "up");
  const names: string[] = [];
  for (let i = 0; i < 6; i++) names.push(await askDatagram(ringway.port()));
  strictEqual(names.includes("a"), true, names.join());
  strictEqual(again.askedCount > 0, true);
});
