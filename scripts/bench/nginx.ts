/**
 * nginx in its two parts here: with its stream module as a peer, and with its http module as the
 * origin behind all proxies. One worker process, everything off that costs time without being part
 * of proxying.
 */
import type { Child } from "./children.ts";
import {
  type Contender,
  DEFAULTS,
  type Tuning,
  waitForAnswer,
  type Workbench,
} from "./contender.ts";
import { findFreePort } from "../free_port.ts";
import { BULK_BYTES, type CaseName, isUdp } from "./goal.ts";

/** Debian puts the modules there; the file is part of libnginx-mod-stream. */
const STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";
/** nginx uses two fds per proxied connection, and the limit is often 20,000. */
const WORKER_CONNECTIONS = 19_000;
/** It counts two for a UDP flow as well, of which only one has an fd. */
const WORKER_CONNECTIONS_UDP = 2 * WORKER_CONNECTIONS;

function head(folder: string, connections = WORKER_CONNECTIONS): string {
  // Started by root it would give itself another user, who may not enter the temporary folder.
  const user = Deno.uid() === 0 ? "user root;" : "";
  return `${user}
daemon off;
worker_processes 1;
pid ${folder}/nginx_${crypto.randomUUID()}.pid;
error_log stderr crit;
events {
  worker_connections ${connections};
}
`;
}

function command(folder: string, file: string): string[] {
  // Errors before the configuration is read go to a file in /var/log unless -e says otherwise.
  return ["nginx", "-p", folder, "-e", "stderr", "-c", file];
}

/**
 * The size of the two buffers that each connection has is what there is to tune. The default of
 * 16 KiB is ample for small bodies. For large ones more per system call is better until the buffer
 * falls out of the cache; where that is depends on the machine, so it is tried. For idle
 * connections and flows a small one is better: nginx keeps it for as long as they live.
 */
const DEFAULT_KILOBYTES = 16;
const BUFFER_KILOBYTES: Readonly<Partial<Record<CaseName, readonly number[]>>> = {
  "bulk-tuned": [DEFAULT_KILOBYTES, 64, 256, 512],
  "idle": [4],
  "udp-flows": [4],
};

/** What differs from the defaults, if anything does. */
function label(kilobytes: number): string[] {
  return kilobytes === DEFAULT_KILOBYTES ? [] : [`proxy_buffer_size ${kilobytes}k`];
}

function tuning(folder: string, kilobytes: number): Tuning {
  return {
    label: label(kilobytes)[0] ?? DEFAULTS,
    transport: "tcp",
    command: (file) => command(folder, file),
    config: ({ listen, origin }) =>
      `load_module ${STREAM_MODULE};
${head(folder)}
stream {
  access_log off;
  tcp_nodelay on;
  proxy_buffer_size ${kilobytes}k;
  proxy_timeout 1h;
  server {
    listen 127.0.0.1:${listen} reuseport backlog=4096;
    proxy_pass 127.0.0.1:${origin};
  }
}
`,
  };
}

/**
 * With the kernel's default its socket would hold fewer datagrams than the clients of one case
 * send at once; Ringway asks for as much by itself.
 */
const RECEIVE_BUFFER = "rcvbuf=4m";

function udpTuning(folder: string, test: CaseName, kilobytes: number): Tuning {
  return {
    label: [RECEIVE_BUFFER, ...label(kilobytes)].join(", "),
    transport: "udp",
    command: (file) => command(folder, file),
    config: ({ listen, origin }) =>
      `load_module ${STREAM_MODULE};
${head(folder, WORKER_CONNECTIONS_UDP)}
stream {
  access_log off;
  proxy_buffer_size ${kilobytes}k;
  proxy_timeout 1h;
  ${test === "udp-dns" ? "proxy_responses 1;" : ""}
  server {
    listen 127.0.0.1:${listen} udp reuseport ${RECEIVE_BUFFER};
    proxy_pass 127.0.0.1:${origin};
  }
}
`,
  };
}

export function nginxContender(folder: string): Contender {
  return {
    name: "nginx",
    tunings: (test) =>
      (BUFFER_KILOBYTES[test] ?? [DEFAULT_KILOBYTES]).map((kilobytes) =>
        isUdp(test) ? udpTuning(folder, test, kilobytes) : tuning(folder, kilobytes)
      ),
  };
}

export interface Origin {
  readonly port: number;
  readonly child: Child;
}

/** The origin of the load cases: a small answer from the configuration, a large one by sendfile. */
export async function startOrigin(bench: Workbench): Promise<Origin> {
  const { folder } = bench;
  const port = findFreePort();
  await Deno.writeFile(`${folder}/bulk`, new Uint8Array(BULK_BYTES).fill(120));
  const file = `${folder}/origin.conf`;
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((kind) => `  ${kind}_temp_path ${folder}/${kind};`).join("\n");
  await Deno.writeTextFile(
    file,
    `${head(folder)}
http {
${temporary}
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  open_file_cache max=10;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location = /small { return 200 "small body\\n"; }
    location = /bulk { root ${folder}; }
  }
}
`,
  );
  const child = bench.children.start("the origin", bench.loadCore, command(folder, file));
  await waitForAnswer(bench, child, port, "tcp");
  return { port, child };
}
