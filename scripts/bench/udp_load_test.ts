import { deepStrictEqual, throws } from "node:assert/strict";
import { parseFlows, parseStream, parseTrips } from "./udp_load.ts";

const TRIPS = {
  ...{ trips: 20888, seconds: 1.004, p50Micros: 692.5, p99Micros: 1234.25 },
  ...{ lost: 3, late: 1, foreign: 2 },
};

Deno.test("a late answer has been lost already, and one for somebody else is lost too", () => {
  deepStrictEqual(parseTrips(`${JSON.stringify(TRIPS)}\n`), {
    ...{ count: 20888, seconds: 1.004, p50Micros: 692.5, p99Micros: 1234.25 },
    errors: 5,
  });
});

Deno.test("of a stream counts what has arrived", () => {
  deepStrictEqual(parseStream('{"sent":80000,"arrived":70781,"seconds":1.000}'), {
    ...{ count: 70781, seconds: 1, p50Micros: NaN, p99Micros: NaN },
    errors: 9219,
  });
});

Deno.test("flows are those that had an answer", () => {
  deepStrictEqual(parseFlows('{"answered":14990,"lost":10}'), { answered: 14990, lost: 10 });
});

Deno.test("an output without figures is refused, and so is a load without any answer", () => {
  throws(() => parseTrips("udp_load: cannot bind: Address already in use"), /cannot read/);
  throws(() => parseTrips(JSON.stringify({ ...TRIPS, lost: undefined })), /cannot read/);
  throws(() => parseTrips(JSON.stringify({ ...TRIPS, trips: 0 })), /no datagram was answered/);
  throws(() => parseStream('{"sent":80000,"arrived":0,"seconds":1}'), /no datagram has arrived/);
  throws(() => parseFlows('{"answered":0,"lost":500}'), /no flow/);
});
