/**
 * The files of config/container say what is true of this program: the calls of the profile exist
 * and none is missing or too many, the examples are of one mind with the image, and every
 * configuration in them is a good one.
 */
import assert from "node:assert/strict";
import { parse, parseAllDocuments } from "yaml";
import { IMAGE_PROGRAM, IMAGE_USER } from "../../scripts/compile/rootfs.ts";
import { parseConfig } from "../../src/config/parse_config.ts";
import type { Config } from "../../src/config/config.ts";
import { type Profile, readCallNumbers } from "./seccomp_filter.ts";

const ROOT = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const FOLDER = `${ROOT}/config/container`;
const PROFILE: Profile = JSON.parse(Deno.readTextFileSync(`${FOLDER}/seccomp.json`));
const URING = ["io_uring_enter", "io_uring_register", "io_uring_setup"];
/** What must not come from inside a container: each has been a way out of one, or is the host's. */
const REFUSED = [
  ...["add_key", "bpf", "chroot", "finit_module", "init_module", "kexec_load", "keyctl", "mount"],
  ...["open_by_handle_at", "perf_event_open", "pivot_root", "process_vm_writev", "ptrace"],
  ...["reboot", "request_key", "setns", "umount2", "unshare", "userfaultfd"],
];

function read(name: string): string {
  return Deno.readTextFileSync(`${FOLDER}/${name}`);
}

// What these documents are is theirs to say.
// deno-lint-ignore no-explicit-any
type Tree = any;

function checked(text: string): Config {
  const { config, diagnostics } = parseConfig(text, "ringway.yaml", {});
  assert.deepEqual(diagnostics, []);
  return config!;
}

Deno.test("the profile is sorted and without repetition; its calls exist", async () => {
  const known = new Set<string>();
  for (const arch of ["x86_64", "aarch64"]) {
    for (const name of (await readCallNumbers(ROOT, arch)).keys()) known.add(name);
  }
  const plain = PROFILE.syscalls.filter(({ args, action }) => {
    return args === undefined && action === "SCMP_ACT_ALLOW";
  });
  const names = plain.flatMap((rule) => {
    assert.deepEqual(rule.names, rule.names.toSorted());
    return rule.names;
  });
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(names.filter((name) => !known.has(name)), []);
  const allowed = PROFILE.syscalls.flatMap((rule) => rule.names);
  assert.deepEqual(REFUSED.filter((name) => allowed.includes(name) || !known.has(name)), []);
  assert.deepEqual(PROFILE.syscalls[0].names, URING);
  assert.equal(PROFILE.defaultAction, "SCMP_ACT_ERRNO");
});

Deno.test("every rule of the profile says why it is there, in words of runtimes", () => {
  for (const { comment, action, args = [] } of PROFILE.syscalls) {
    assert.ok(comment);
    assert.match(action, /^SCMP_ACT_(ALLOW|ERRNO)$/);
    for (const { op } of args) assert.match(op, /^SCMP_CMP_(EQ|MASKED_EQ)$/);
  }
  assert.deepEqual(PROFILE.archMap.map(({ architecture }) => architecture), [
    "SCMP_ARCH_X86_64",
    "SCMP_ARCH_AARCH64",
  ]);
});

Deno.test("the image runs the program where the root file system has it, as its user", () => {
  const lines = read("Dockerfile").split("\n");
  assert.ok(lines.includes(`USER ${IMAGE_USER}:${IMAGE_USER}`));
  assert.ok(lines.includes(`ENTRYPOINT ["/${IMAGE_PROGRAM}"]`));
  assert.ok(lines.some((line) => line.includes(`CMD ["/${IMAGE_PROGRAM}", "healthcheck"]`)));
  assert.ok(lines.includes("STOPSIGNAL SIGTERM"));
});

Deno.test("the compose file: its configuration is good, and drains before it is killed", () => {
  const compose: Tree = parse(read("compose.yaml"));
  const { ringway } = compose.services;
  const config = checked(compose.configs.ringway.content);
  assert.equal(parseInt(ringway.stop_grace_period) * 1000 > drainMs(config), true);
  assert.equal(ringway.read_only, true);
  assert.deepEqual(ringway.cap_drop, ["ALL"]);
  assert.ok(ringway.security_opt.includes("seccomp=seccomp.json"));
  const names = config.backends.flatMap(({ servers }) => servers.map(({ host }) => host));
  for (const name of names) assert.ok(name in compose.services, `${name} is a service`);
  const [published] = ringway.ports;
  assert.equal(Number(published.split(":")[1]), portOf(config));
});

function drainMs({ drain }: Config): number {
  return drain.delayMs + drain.timeoutMs;
}

function portOf({ listeners }: Config): number {
  const [bind] = listeners[0].binds;
  return bind.kind === "ip" ? bind.port : -1;
}

Deno.test("the Kubernetes example: its configuration is good, the pod is given its time", () => {
  const documents: Tree[] = parseAllDocuments(read("kubernetes.yaml")).map((each) => each.toJS());
  const [configMap, deployment, service] = documents;
  assert.deepEqual(documents.map(({ kind }) => kind), ["ConfigMap", "Deployment", "Service"]);
  const config = checked(configMap.data["ringway.yaml"]);
  assert.ok(config.drain.delayMs > 0, "who sends to it hears of its end first");
  const pod = deployment.spec.template.spec;
  assert.ok(pod.terminationGracePeriodSeconds * 1000 > drainMs(config));
  assert.equal(pod.securityContext.runAsUser, IMAGE_USER);
  assert.equal(pod.securityContext.seccompProfile.type, "Localhost");
  const [container] = pod.containers;
  for (const probe of [container.startupProbe, container.readinessProbe]) {
    assert.deepEqual(probe.exec.command, [`/${IMAGE_PROGRAM}`, "healthcheck"]);
  }
  assert.equal(container.securityContext.readOnlyRootFilesystem, true);
  assert.equal(container.ports[0].containerPort, portOf(config));
  assert.equal(service.spec.ports[0].targetPort, container.ports[0].name);
  assert.notEqual(service.spec.selector.app, undefined);
  assert.deepEqual(deployment.spec.selector.matchLabels, service.spec.selector);
  assert.deepEqual(deployment.spec.template.metadata.labels, service.spec.selector);
  assert.equal(container.volumeMounts[0].mountPath, "/etc/ringway");
});
