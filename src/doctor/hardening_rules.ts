/**
 * What would be left to whoever took a worker over: which steps of src/worker/hardening.ts this
 * kernel, and the filter of a container around us, allow; and as whom the program runs.
 */
import type { Facts } from "./facts.ts";
import { type Finding, note, ok } from "./finding.ts";

/** What is worth having and may be missing, and what brings it. */
const REMEDIES: Readonly<Record<string, string>> = {
  landlock: 'boot with landlock in "lsm=" (Linux 5.13, CONFIG_SECURITY_LANDLOCK), or allow ' +
    "landlock_create_ruleset and landlock_restrict_self in the seccomp profile",
  seccomp: "use a kernel with CONFIG_SECCOMP_FILTER, or allow seccomp in the profile around it",
};

export function judgeHardening(
  { hardening, landlock }: Pick<Facts, "hardening" | "landlock">,
  isWanted: boolean,
): Finding {
  const { done, failure } = hardening;
  const topic = "hardening";
  if (!isWanted) {
    return note(topic, "the configuration switches it off", 'remove "hardening: off"');
  }
  const shown = done.map((step) => step === "landlock" ? `landlock (version ${landlock})` : step);
  const found = `steps that work: ${shown.join(", ") || "none"}`;
  if (failure !== null) {
    return note(
      topic,
      `${found}; failed: ${failure}`,
      "tell us, with the output of version --json",
    );
  }
  const missing = Object.keys(REMEDIES).filter((step) => !done.includes(step));
  if (missing.length === 0) return ok(topic, found);
  return note(
    topic,
    `${found}; not to be had: ${missing.join(", ")}`,
    missing.map((step) => REMEDIES[step]).join("; "),
  );
}

/** @param user that the configuration names. */
export function judgeUser({ uid }: Pick<Facts, "uid">, user: string | null): Finding {
  if (uid !== 0) return ok("user", `uid ${uid}`);
  if (user !== null) return ok("user", `root, and ${user} once everything is open`);
  return note(
    "user",
    "root: whoever finds a hole in the supervisor has the machine",
    'name another in the configuration ("user: ringway"), or start it as one; for ports below ' +
      "1024 CAP_NET_BIND_SERVICE is enough (AmbientCapabilities= in a unit of systemd)",
  );
}
