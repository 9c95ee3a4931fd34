import assert from "node:assert/strict";
import { ACCEPTS_ARMED_MAX } from "../limits.ts";
import {
  backendPlan,
  listenerPlan,
  serverPlan,
  socketPlan,
  workerPlan,
} from "../upstream/test_plan.ts";
import { addressSlotCount, countSockets } from "./worker.ts";

const PLAN = workerPlan({
  listeners: [
    listenerPlan({ sockets: [socketPlan(20), socketPlan(21)] }),
    listenerPlan({ protocol: "tls", sockets: [socketPlan(22)] }),
    listenerPlan({ protocol: "udp", sockets: [socketPlan(23), socketPlan(24), socketPlan(25)] }),
    // All its sockets are another worker's.
    listenerPlan({ protocol: "udp" }),
  ],
  backends: [
    backendPlan({ servers: [serverPlan("a"), serverPlan("b")] }),
    backendPlan({ servers: [serverPlan("c")] }),
  ],
});

Deno.test("sockets are counted by what comes through them: connections or datagrams", () => {
  assert.deepEqual(countSockets(PLAN), { tcp: 3, udp: 3 });
  assert.deepEqual(countSockets(workerPlan({ listeners: [] })), { tcp: 0, udp: 0 });
});

Deno.test("there is an address slot for each accept that may be armed, and for each server", () => {
  assert.equal(addressSlotCount(PLAN), 3 * ACCEPTS_ARMED_MAX + 3);
});
