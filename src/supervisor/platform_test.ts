import assert from "node:assert/strict";
import { EINVAL, ENFILE, ENOMEM, ENOSYS, EPERM } from "../base/errno.ts";
import {
  chooseEngine,
  explainPlatform,
  PlatformError,
  type PlatformFacts,
  readPlatformFacts,
} from "./platform.ts";

function explain(facts: Partial<PlatformFacts>): string {
  return explainPlatform({
    errno: EPERM,
    disabled: 0,
    filtered: false,
    kernel: "6.1.0-18-amd64",
    ...facts,
  });
}

Deno.test("io_uring switched off for everybody: the switch and how to turn it", () => {
  const text = explain({ disabled: 2 });
  assert.match(text, /kernel\.io_uring_disabled = 2/);
  assert.match(text, /sysctl -w kernel\.io_uring_disabled=0/);
});

Deno.test("io_uring for one group only: the switch, or the group", () => {
  const text = explain({ disabled: 1 });
  assert.match(text, /kernel\.io_uring_disabled = 1/);
  assert.match(text, /kernel\.io_uring_group/);
});

Deno.test("a seccomp filter: the three calls, and where its profile is given", () => {
  for (const text of [explain({ filtered: true }), explain({ errno: ENOSYS, filtered: true })]) {
    assert.match(text, /seccomp filter/);
    assert.match(text, /io_uring_setup, io_uring_enter and io_uring_register/);
    assert.match(text, /--security-opt seccomp=/);
    assert.match(text, /seccompProfile/);
    assert.match(text, /SystemCallFilter=/);
    assert.doesNotMatch(text, /io_uring_disabled/);
  }
});

Deno.test("two locks are both named: each must be opened", () => {
  const text = explain({ disabled: 1, filtered: true });
  assert.match(text, /io_uring_disabled = 1[^]*\nand perhaps also: [^]*seccomp/);
});

Deno.test("forbidden by neither: the security modules", () => {
  const text = explain({});
  assert.match(text, /not permitted/);
  assert.match(text, /AppArmor, SELinux/);
  assert.equal(explain({ disabled: null }), text);
});

Deno.test("a kernel without io_uring: too old, or built without it", () => {
  assert.equal(
    explain({ errno: ENOSYS, kernel: "4.19.0" }),
    "this kernel (4.19.0) has no io_uring; Linux 6.1 or newer is needed",
  );
  assert.match(explain({ errno: ENOSYS, kernel: "6.12.5" }), /built without io_uring; .*CONFIG_IO/);
});

Deno.test("a kernel whose io_uring is too old says which is needed", () => {
  assert.equal(
    explain({ errno: EINVAL, kernel: "5.15.0-91-generic" }),
    "this kernel (5.15.0-91-generic) is too old: its io_uring has no deferred task work; " +
      "Linux 6.1 or newer is needed",
  );
  assert.match(explain({ errno: EINVAL, kernel: "6.0.19" }), /too old/);
  assert.doesNotMatch(explain({ errno: EINVAL, kernel: "6.1.0" }), /too old/);
  assert.doesNotMatch(explain({ errno: EINVAL, kernel: "10.0" }), /too old/);
});

Deno.test("no memory for the ring: the limits that may be raised", () => {
  assert.match(explain({ errno: ENOMEM }), /ulimit -l 65536, or LimitMEMLOCK=infinity/);
});

Deno.test("any other error is told by its name", () => {
  assert.equal(
    explain({ errno: ENFILE }),
    "cannot open an io_uring: too many open files in the system (ENFILE) on Linux 6.1.0-18-amd64",
  );
});

Deno.test("the switch and the filter are read where the kernel shows them", () => {
  const files: Record<string, string> = {
    "/proc/sys/kernel/io_uring_disabled": "2\n",
    "/proc/self/status": "Name:\tdeno\nSeccomp:\t2\nSeccomp_filters:\t1\n",
  };
  const why = (without: string) =>
    explainPlatform(readPlatformFacts(EPERM, (path) => path === without ? null : files[path]));
  assert.match(why(""), /io_uring_disabled = 2[^]*seccomp/);
  assert.match(why("/proc/sys/kernel/io_uring_disabled"), /^io_uring is blocked by a seccomp/);
  assert.doesNotMatch(why("/proc/self/status"), /seccomp/);
});

const unread = () => assert.fail("nothing is read");
const LOCKED: Record<string, string> = {
  "/proc/sys/kernel/io_uring_disabled": "2\n",
  "/proc/self/status": "Seccomp:\t2\n",
};
const readLocked = (path: string) => LOCKED[path];

Deno.test("a ring that could be opened is used, and there is nothing to say", () => {
  for (const wanted of ["auto", "uring"] as const) {
    assert.deepEqual(chooseEngine(wanted, 0, unread), { io: "uring", notice: null });
    assert.deepEqual(chooseEngine(wanted, 0x3fff, unread), { io: "uring", notice: null });
  }
});

Deno.test("epoll is used without a word where it is wanted", () => {
  assert.deepEqual(chooseEngine("epoll", 0, unread), { io: "epoll", notice: null });
  assert.deepEqual(chooseEngine("epoll", -EPERM, unread), { io: "epoll", notice: null });
});

Deno.test("with auto epoll takes the place of a ring that cannot be had; one line says why", () => {
  const { io, notice } = chooseEngine("auto", -EPERM, readLocked);
  assert.equal(io, "epoll");
  assert.match(notice!, /^using epoll, which costs more CPU: io_uring is switched off .*seccomp/);
  assert.doesNotMatch(notice!, /\n/);
});

Deno.test("with uring a ring that cannot be had is an error, with the way out", () => {
  const refused = (error: unknown) =>
    error instanceof PlatformError && /io_uring_disabled = 2[^]*"io: auto"/.test(error.message);
  assert.throws(() => chooseEngine("uring", -EPERM, readLocked), refused);
});
