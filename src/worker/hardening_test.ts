import assert from "node:assert/strict";
import { AF_UNIX } from "../net/socket_address.ts";
import { backendPlan, serverPlan } from "../upstream/test_plan.ts";
import { permittedCapabilities, readHardening, requestHardening } from "./hardening.ts";

const ALL = 31;
const UNIX = 256;
const BIND = 512;
const DAC_OVERRIDE = 1 << 1;
const NET_ADMIN = 1 << 12;
const NET_RAW = 1 << 13;
const ROOT = -1;

function request(backend: Parameters<typeof backendPlan>[0], permitted = ROOT) {
  const backends = [backendPlan(), backendPlan(backend)];
  return requestHardening({ hardening: true, backends }, permitted);
}

Deno.test("a worker that only connects gives up everything", () => {
  assert.deepEqual(request({}), { steps: ALL, keptCapabilities: 0 });
});

Deno.test("hardening: off takes no step", () => {
  const off = { hardening: false, backends: [backendPlan({ isTransparent: true })] };
  assert.deepEqual(requestHardening(off, ROOT), { steps: 0, keptCapabilities: 0 });
});

Deno.test("a transparent backend keeps bind, and the lesser of two capabilities", () => {
  const transparent = { isTransparent: true };
  assert.deepEqual(request(transparent), { steps: ALL | BIND, keptCapabilities: NET_RAW });
  assert.equal(request(transparent, NET_ADMIN).keptCapabilities, NET_ADMIN);
  assert.equal(request(transparent, 0).keptCapabilities, 0);
});

Deno.test("a server on a unix socket keeps those, and what root opens others' files with", () => {
  const unix = { servers: [serverPlan("one", { address: [AF_UNIX, 0, 47, 120] })] };
  assert.deepEqual(request(unix), { steps: ALL | UNIX, keptCapabilities: DAC_OVERRIDE });
  assert.equal(request(unix, 0).keptCapabilities, 0);
});

Deno.test("the name of a server that does not resolve yet is no unix socket", () => {
  assert.equal(request({ servers: [serverPlan("one", { address: [] })] }).steps, ALL);
});

Deno.test("permitted capabilities are those of the kernel's list, by their low half", () => {
  assert.equal(permittedCapabilities("Name:\tx\nCapPrm:\t000001ffffffffff\n"), -1);
  assert.equal(permittedCapabilities("CapInh:\t1\nCapPrm:\t0000000000003000\n"), 0x3000);
  assert.equal(permittedCapabilities(""), 0);
});

Deno.test("what is done is named in order; what failed is told with its cause", () => {
  assert.deepEqual(readHardening(32 | 16 | 1 | 8), {
    done: ["ring_restrictions", "files", "no_new_privs", "seccomp"],
    failure: null,
  });
  assert.deepEqual(readHardening(1 | (4 | 8) << 8 | 22 << 16), {
    done: ["no_new_privs"],
    failure: "landlock, seccomp: invalid argument (EINVAL)",
  });
});
