/**
 * The program. One executable, two faces: what a person runs, and the worker that the supervisor
 * starts. Imports are dynamic so that a worker loads neither parser nor schema, and starts fast.
 */
if (Deno.args[0] === "--worker") {
  const { runWorker } = await import("./worker/run_worker.ts");
  runWorker();
} else {
  const { runCommand } = await import("./cli/commands.ts");
  Deno.exit(await runCommand(Deno.args));
}
