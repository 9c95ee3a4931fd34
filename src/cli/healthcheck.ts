/**
 * `ringway healthcheck`: asks the running program whether clients may be sent to it, for containers
 * and scripts. Nothing but 0 and 1 comes of it, and always in time: whoever asks every few seconds
 * must not pile up behind a program that is stuck.
 */
import { askReadiness } from "../admin/readiness.ts";
import { findPath, type Whereabouts } from "./admin_path.ts";
import { EXIT_FAILURE, EXIT_OK } from "./exit_status.ts";
import { say } from "./output.ts";

/** Of the two seconds that are promised, what the start of this process leaves. */
const ANSWER_MS_MAX = 1500;

async function ask(whereabouts: Whereabouts): Promise<number> {
  try {
    const path = await findPath(whereabouts);
    if (typeof path === "number") return EXIT_FAILURE;
    const reason = await askReadiness(path);
    if (reason === null) return EXIT_OK;
    say(`ringway: not ready: ${reason}\n`);
  } catch (failure) {
    say(`ringway: ${failure instanceof Error ? failure.message : String(failure)}\n`);
  }
  return EXIT_FAILURE;
}

export async function runHealthcheck(whereabouts: Whereabouts): Promise<number> {
  const { promise, resolve } = Promise.withResolvers<number>();
  const timer = setTimeout(() => {
    say("ringway: not ready: it does not answer in time\n");
    resolve(EXIT_FAILURE);
  }, ANSWER_MS_MAX);
  const status = await Promise.race([ask(whereabouts), promise]);
  clearTimeout(timer);
  return status;
}
