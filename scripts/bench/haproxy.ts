/**
 * HAProxy as a peer: one thread, TCP mode, nothing logged. The rest of its defaults are those of a
 * program that has been tuned for twenty years.
 */
import { type Contender, DEFAULTS, type Tuning } from "./contender.ts";

/** It reserves two fds for each, and refuses to start when the limit (often 20,000) is lower. */
const CONNECTIONS_MAX = 9500;

function tuning(label: string, global: string, defaults: string): Tuning {
  return {
    label,
    transport: "tcp",
    // Without -db it would go to the background, where nobody can end it by its number.
    command: (file) => ["haproxy", "-db", "-f", file],
    config: ({ listen, origin }) =>
      `global
  nbthread 1
  maxconn ${CONNECTIONS_MAX}
  ${global}
defaults
  mode tcp
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  ${defaults}
listen bench
  bind 127.0.0.1:${listen} backlog 4096
  server origin 127.0.0.1:${origin}
`,
  };
}

const PLAIN = tuning(DEFAULTS, "", "");

/**
 * For large bodies there are two schools: larger buffers, or splice(2), which moves pages from
 * socket to socket through a pipe, and is the better the larger that pipe. Which of them wins
 * depends on kernel and machine. Small bodies and idle connections gain from neither: buffers are
 * given back whenever they are empty.
 *
 * A pipe is two fds more, and it would reserve them for a quarter of its connections; the bulk case
 * needs one for each direction of its few connections.
 */
const PIPES = "maxpipes 64";
const BULK = [
  PLAIN,
  tuning("tune.bufsize 65536", "tune.bufsize 65536", ""),
  tuning("splice-auto", PIPES, "option splice-auto"),
  tuning(
    "splice-auto, tune.pipesize 524288",
    `${PIPES}\n  tune.pipesize 524288`,
    "option splice-auto",
  ),
];

export const HAPROXY: Contender = {
  name: "haproxy",
  tunings: (test) => test === "bulk-tuned" ? BULK : [PLAIN],
};
