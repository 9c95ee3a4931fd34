import assert from "node:assert/strict";
import { makeServerSet } from "./server_set.ts";
import { countTickets, drawTicket, findHolder, NO_SERVER } from "./ticket.ts";

/** The smallest random number that draws a ticket of at least `ticket`, found by bisection. */
function findThreshold(ticket: number, count: number): number {
  let low = 0;
  let high = 2 ** 32;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (drawTicket(middle, count) >= ticket) high = middle;
    else low = middle + 1;
  }
  return low;
}

Deno.test("each ticket is as likely as the other to within 2^-32", () => {
  for (const count of [1, 2, 3, 7, 10, 257, 1000, 65537, 2 ** 20 - 1, 2 ** 20]) {
    for (const ticket of new Set([0, 1 % count, count >> 1, count - 1])) {
      const randoms = findThreshold(ticket + 1, count) - findThreshold(ticket, count);
      assert.ok(Math.abs(randoms - 2 ** 32 / count) < 1, `ticket ${ticket} of ${count}`);
    }
  }
});

Deno.test("a draw stays within its tickets at both ends", () => {
  for (const count of [1, 2, 3, 2 ** 20]) {
    assert.equal(drawTicket(0, count), 0);
    assert.equal(drawTicket(0xffffffff, count), count - 1);
  }
});

Deno.test("a draw refuses numbers that are not unsigned 32-bit integers", () => {
  for (const random of [-1, 0.5, 2 ** 32, NaN]) assert.throws(() => drawTicket(random, 2));
  assert.throws(() => drawTicket(0, 0));
});

Deno.test("each candidate holds as many tickets as its weight", () => {
  const servers = makeServerSet(["a", "b", "c", "d"], [2, 0, 3, 1]);
  servers.eligible.set([1, 1, 1, 0]);
  assert.equal(countTickets(servers), 5);
  const holders = [0, 1, 2, 3, 4].map((ticket) => findHolder(servers, ticket, NO_SERVER));
  assert.deepEqual(holders, [0, 0, 2, 2, 2]);
  assert.throws(() => findHolder(servers, 5, NO_SERVER), /each ticket has a holder/);
});

Deno.test("an excepted server holds no ticket", () => {
  const servers = makeServerSet(["a", "b", "c"], [2, 4, 1]);
  assert.deepEqual([0, 1, 2].map((ticket) => findHolder(servers, ticket, 1)), [0, 0, 2]);
});
