import assert from "node:assert/strict";
import fc from "fast-check";
import { EACCES, EINVAL, ENOMEM, ENOSYS, EPERM } from "../base/errno.ts";
import type { Config } from "../config/config.ts";
import type { Facts } from "./facts.ts";
import { type Finding, worstState } from "./finding.ts";
import { judgeFacts } from "./judge_facts.ts";
import { configOf, HEALTHY } from "./test_facts.ts";

const PLAIN = configOf('bind: ":8080"');

function findingOf(topic: string, facts: Partial<Facts>, config: Config | null = null): Finding {
  const found = judgeFacts({ ...HEALTHY, ...facts }, config).find((each) => each.topic === topic);
  assert.ok(found, `nothing is said of ${topic}`);
  return found;
}

function topicsOf(facts: Partial<Facts>, config: Config | null = null): string[] {
  return judgeFacts({ ...HEALTHY, ...facts }, config).map(({ topic }) => topic);
}

Deno.test("a machine that has everything is ok in each line, with and without a file", () => {
  for (const config of [null, PLAIN]) {
    const findings = judgeFacts(HEALTHY, config);
    assert.deepEqual(findings.filter(({ state }) => state !== "ok"), []);
    assert.equal(worstState(findings), "ok");
  }
});

const number = fc.option(fc.nat(1 << 21));
const FACTS: fc.Arbitrary<Facts> = fc.record({
  kernel: fc.constantFrom("4.19.0", "5.15.0-91", "6.1.0-18-amd64", "6.13.1", "6.18.2", "10.0"),
  hasProc: fc.boolean(),
  uring: fc.oneof(
    fc.record({ features: fc.nat(0xff_ffff) }),
    fc.record({
      errno: fc.constantFrom(EPERM, EACCES, ENOSYS, EINVAL, ENOMEM, 99),
      disabled: fc.constantFrom(null, 0, 1, 2),
      filtered: fc.boolean(),
      kernel: fc.constant("6.1.0"),
    }),
  ),
  receiveAllowance: fc.option(fc.boolean()),
  seccompMode: fc.constantFrom(null, 0, 1, 2),
  landlock: fc.nat(9),
  memfdNoexec: fc.constantFrom(null, 0, 1, 2),
  clock: fc.constantFrom(null, "tsc", "hpet"),
  hugePages: fc.constantFrom(null, "always", "never"),
  uid: fc.nat(70_000),
  capabilities: fc.option(fc.bigInt(0n, 0x1ff_ffff_ffffn)),
  unprivilegedPort: number,
  filesMax: fc.oneof(number, fc.constant(Infinity)),
  lockedBytesMax: fc.oneof(number, fc.constant(Infinity)),
  cpus: fc.uniqueArray(fc.nat(511), { minLength: 1, maxLength: 300 }),
  quota: fc.oneof(fc.constant(Infinity), fc.double({ min: 0.01, max: 64, noNaN: true })),
  memoryBytes: fc.option(fc.nat(2 ** 31 - 1)),
  somaxconn: number,
  synCookies: fc.constantFrom(null, 0, 1, 2),
  localPorts: fc.constantFrom(null, "", "32768 60999\n", "1024 65535", "9 8"),
  receiveBufferMax: number,
  conntrack: fc.option(fc.record({ count: fc.nat(1 << 18), max: fc.nat(1 << 18) })),
  hardening: fc.record({
    done: fc.subarray(["files", "landlock", "seccomp"]),
    failure: fc.constantFrom(null, "files: permission denied (EACCES)"),
  }),
});
const CONFIGS = [
  null,
  PLAIN,
  configOf('bind: [":80", "127.0.0.1:443"]', "io: uring\nworkers: 8"),
  configOf('bind: ":53", protocol: udp', "io: epoll\nlimits: { connections: 100000 }"),
  configOf('bind: ":2000-2100"', "", "servers: [10.0.0.1:80], transparent: true"),
];

Deno.test("whatever the facts: each thing once, on one line, a remedy where it is not ok", () => {
  fc.assert(
    fc.property(FACTS, fc.constantFrom(...CONFIGS), (facts, config) => {
      const findings = judgeFacts(facts, config);
      assert.equal(new Set(findings.map(({ topic }) => topic)).size, findings.length);
      for (const { state, found, remedy, topic } of findings) {
        assert.equal(remedy === null, state === "ok", topic);
        assert.notEqual(remedy, "");
        assert.match(found, /^[^\n]+$/);
        assert.doesNotMatch(found + (remedy ?? ""), /undefined|NaN|null|Infinity/, topic);
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("what is not known leads to no finding", () => {
  const unknown: Partial<Facts> = {
    receiveAllowance: null,
    seccompMode: null,
    memfdNoexec: null,
    clock: null,
    hugePages: null,
    capabilities: null,
    unprivilegedPort: null,
    filesMax: null,
    lockedBytesMax: null,
    memoryBytes: null,
    somaxconn: null,
    synCookies: null,
    localPorts: null,
    receiveBufferMax: null,
  };
  assert.deepEqual(topicsOf(unknown, PLAIN), [
    "/proc",
    "kernel",
    "io_uring",
    "ring features",
    "hardening",
    "user",
    "CPUs",
  ]);
});

Deno.test("without io_uring epoll is used: a note with the lock, unless io says otherwise", () => {
  const uring = { errno: EPERM, disabled: 0, filtered: true, kernel: "6.12.0" };
  const facts = { uring, receiveAllowance: null, seccompMode: 2 };
  const { state, found, remedy } = findingOf("io_uring", facts);
  assert.equal(state, "note");
  assert.match(found, /^cannot be opened: .*\(EPERM\); epoll is used/);
  assert.match(remedy!, /seccomp filter.*io_uring_setup, io_uring_enter/);
  assert.equal(findingOf("seccomp", facts).found, "a filter is around this process; see io_uring");
  assert.ok(!topicsOf(facts).includes("ring features"));
  assert.ok(!topicsOf(facts).includes("locked memory"));
  const strict = configOf('bind: ":8080"', "io: uring");
  assert.equal(findingOf("io_uring", facts, strict).state, "fail");
  assert.equal(findingOf("io_uring", facts, configOf('bind: ":8080"', "io: epoll")).state, "ok");
  const off = { uring: { ...uring, disabled: 2, filtered: false } };
  assert.match(findingOf("io_uring", off).remedy!, /sysctl -w kernel\.io_uring_disabled=0/);
});

Deno.test("an older kernel is told what a newer one would do better", () => {
  const { state, found, remedy } = findingOf("ring features", {
    receiveAllowance: false,
    uring: { features: 0x1fff },
  });
  assert.equal(state, "note");
  assert.equal(found, "no multishot receives with a byte limit, no waiting without iowait");
  assert.match(remedy!, /Linux 6\.17 or newer/);
  assert.equal(findingOf("kernel", { kernel: "5.15.0-91-generic" }).state, "note");
  assert.equal(findingOf("kernel", { kernel: "6.1.0-18-amd64" }).state, "ok");
});

Deno.test("open files: how many connections fit, and whether they are enough", () => {
  const files = (filesMax: number, config: Config | null = PLAIN) =>
    findingOf("open files", { filesMax }, config);
  assert.equal(
    files(65_536).found,
    "65536 for each process: room for 65470 connections in 2 workers",
  );
  assert.equal(files(65_536).state, "ok");
  assert.equal(files(20_000).state, "note");
  assert.match(files(20_000).remedy!, /LimitNOFILE=65536/);
  const many = configOf('bind: ":2000-2099"');
  assert.equal(files(300, many).state, "fail");
  assert.match(files(300, many).remedy!, /to 65536/);
  const few = configOf('bind: ":8080"', "limits: { connections: 500 }");
  assert.equal(files(20_000, few).state, "ok", "enough for what is allowed");
  const limited = configOf('bind: ":8080"', "limits: { connections: 100000 }");
  assert.match(files(65_536, limited).found, /but limits\.connections is 100000$/);
  const [, count] = /limit to (\d+)/.exec(files(65_536, limited).remedy!)!;
  assert.equal(files(Number(count), limited).state, "ok", "the remedy mends it");
  assert.match(files(65_536, configOf('bind: ":53", protocol: udp')).found, /130942 flows/);
});

Deno.test("locked memory: where the kernel counts rings as such, and not for everybody", () => {
  const locked = (facts: Partial<Facts>, config: Config | null = null) =>
    findingOf("locked memory", { lockedBytesMax: 64 * 1024, ...facts }, config);
  assert.equal(locked({}).state, "note");
  assert.match(locked({}).found, /^64 KiB, but the rings of 2 workers take up to 384 KiB$/);
  assert.match(locked({}).remedy!, /LimitMEMLOCK=infinity/);
  assert.equal(locked({ lockedBytesMax: 384 * 1024 }).state, "ok");
  assert.equal(locked({ capabilities: 1n << 14n }).state, "ok");
  assert.equal(locked({ kernel: "6.1.0" }).state, "ok");
  const left = configOf('bind: ":8080"', "user: nobody");
  assert.equal(locked({ capabilities: 1n << 14n }, left).state, "note", "who is left has none");
});

Deno.test("more workers than CPUs, and less than a CPU, are noted", () => {
  const cores = (facts: Partial<Facts>, more = "") =>
    findingOf("CPUs", facts, configOf('bind: ":8080"', more));
  assert.equal(cores({}).found, "2 workers, 2 CPUs, no quota");
  assert.match(cores({}, "workers: 3").remedy!, /workers: auto/);
  assert.equal(cores({ quota: 1.5 }).state, "ok");
  assert.equal(cores({ quota: 1 }, "workers: 2").state, "note");
  assert.match(cores({ quota: 0.25 }).remedy!, /docker run --cpus 1/);
});

Deno.test("memory that the buffers of all workers may outgrow is noted", () => {
  assert.equal(findingOf("memory", { memoryBytes: 2 ** 29 }).state, "ok");
  const { state, found } = findingOf("memory", { memoryBytes: 2 ** 27 });
  assert.equal(state, "note");
  assert.match(found, /^128 MiB; 2 workers may come to need \d+ MiB/);
});

Deno.test("ports that may not be bound fail, by name; with the capability they are fine", () => {
  const low = configOf('bind: [":443", "127.0.0.1:80", ":8080"]');
  const { state, found, remedy } = findingOf("listening ports", {}, low);
  assert.equal(state, "fail");
  assert.equal(found, "from 1024 on, but the configuration has :443, 127.0.0.1:80");
  assert.match(remedy!, /CAP_NET_BIND_SERVICE/);
  assert.equal(findingOf("listening ports", { capabilities: 1n << 10n }, low).state, "ok");
  assert.equal(findingOf("listening ports", { unprivilegedPort: 0 }, low).state, "ok");
  assert.equal(findingOf("listening ports", {}, PLAIN).state, "ok");
});

Deno.test("transparent backends need one of two capabilities", () => {
  const config = configOf('bind: ":8080"', "", "servers: [10.0.0.1:80], transparent: true");
  assert.equal(findingOf("transparent", {}, config).state, "fail");
  for (const bit of [12n, 13n]) {
    assert.equal(findingOf("transparent", { capabilities: 1n << bit }, config).state, "ok");
  }
  assert.ok(!topicsOf({}, PLAIN).includes("transparent"));
});

Deno.test("root is noted unless the configuration names another user", () => {
  assert.equal(findingOf("user", { uid: 0 }, PLAIN).state, "note");
  const named = configOf('bind: ":80"', "user: nobody");
  assert.deepEqual(findingOf("user", { uid: 0 }, named), {
    topic: "user",
    state: "ok",
    found: "root, and nobody once everything is open",
    remedy: null,
  });
});

Deno.test("hardening that the configuration switches off is noted", () => {
  const off = configOf('bind: ":8080"', "hardening: off");
  assert.equal(findingOf("hardening", {}, off).state, "note");
});

Deno.test("UDP: buffers and local ports are looked at, for its listeners alone", () => {
  const config = configOf('bind: ":5353", protocol: udp');
  const small = { receiveBufferMax: 212_992 };
  assert.match(findingOf("UDP buffers", small, config).remedy!, /rmem_max=4194304/);
  assert.equal(findingOf("UDP buffers", { ...small, capabilities: 1n << 12n }, config).state, "ok");
  assert.ok(!topicsOf(small, PLAIN).includes("UDP buffers"));
  assert.ok(!topicsOf({}, config).includes("backlog"));
  const ports = findingOf("local ports", {}, config);
  assert.equal(ports.state, "note");
  assert.match(ports.remedy!, /net\.ipv4\.ip_local_port_range='1024 65535'/);
});

Deno.test("a backlog that the kernel cuts short is noted, against what is asked for", () => {
  assert.match(findingOf("backlog", { somaxconn: 128 }).remedy!, /somaxconn=4096/);
  const small = configOf('bind: ":8080", socket: { backlog: 100 }');
  assert.equal(findingOf("backlog", { somaxconn: 128 }, small).state, "ok");
});

Deno.test("a firewall that follows connections is noted when it is full, or too small", () => {
  const conntrack = { count: 10, max: 100_000 };
  assert.equal(findingOf("conntrack", { conntrack }).state, "ok");
  const full = { conntrack: { count: 90_000, max: 100_000 } };
  assert.match(findingOf("conntrack", full).remedy!, /nf_conntrack_max=200000/);
  const config = configOf('bind: ":8080"', "limits: { connections: 60000 }");
  assert.equal(findingOf("conntrack", { conntrack }, config).state, "note");
});

Deno.test("what else a machine may lack: each has its remedy", () => {
  const cases: [string, Partial<Facts>, string, RegExp][] = [
    ["/proc", { hasProc: false }, "fail", /mount -t proc/],
    ["memory files", { memfdNoexec: 2 }, "fail", /vm\.memfd_noexec=1/],
    ["hardening", { hardening: { done: ["seccomp"], failure: null } }, "note", /lsm=/],
    ["hardening", { hardening: { done: [], failure: "files: no" } }, "note", /version --json/],
    ["clock", { clock: "hpet" }, "note", /tsc=reliable/],
    ["huge pages", { hugePages: "never" }, "note", /echo madvise/],
    ["SYN cookies", { synCookies: 0 }, "note", /tcp_syncookies=1/],
    ["user", { uid: 0 }, "note", /start it as one/],
  ];
  for (const [topic, facts, state, remedy] of cases) {
    const finding = findingOf(topic, facts);
    assert.equal(finding.state, state, topic);
    assert.match(finding.remedy!, remedy);
  }
});
