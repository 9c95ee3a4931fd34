/**
 * dnsdist as a peer, where DNS is balanced: a proxy that reads the messages, which lets it use one
 * socket towards a server for all clients. Nothing is cached, no rule is applied.
 */
import { type Contender, DEFAULTS, type Tuning } from "./contender.ts";

const TUNING: Tuning = {
  label: DEFAULTS,
  transport: "udp",
  // It has no console that waits for a terminal, and tells its starter by its exit when it fails.
  command: (file) => ["dnsdist", "--supervised", "--disable-syslog", "--config", file],
  // It would ask the internet for its own security status, and the server for its health.
  config: ({ listen, origin }) =>
    `setSecurityPollSuffix("")
setACL("127.0.0.0/8")
setLocal("127.0.0.1:${listen}")
newServer({ address = "127.0.0.1:${origin}" }):setUp()
`,
};

export const DNSDIST: Contender = { name: "dnsdist", tunings: () => [TUNING] };
