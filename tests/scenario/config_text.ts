/**
 * The text of a small configuration: one listener, on a port of the kernel's choice, in front of
 * one backend. What a scenario is about it adds itself, as YAML, so that its test shows it.
 */
export interface ConfigParts {
  /** Addresses, or what has one, or a map in braces: `{ address: ..., weight: 2 }`. */
  readonly servers: readonly (string | { readonly address: string })[];
  readonly workers?: number;
  readonly bind?: string;
  /** Further keys of the listener, of the backend: `retries: 2, balance: first`. */
  readonly listener?: string;
  readonly backend?: string;
  /** Further lines of the file. */
  readonly top?: string;
}

export function configText(
  { servers, workers = 1, bind = "127.0.0.1:0", listener = "", backend = "", top = "" }:
    ConfigParts,
): string {
  const items = servers.map((server) => {
    if (typeof server !== "string") return `"${server.address}"`;
    return server.startsWith("{") ? server : `"${server}"`;
  });
  return `
workers: ${workers}
${top}
listeners:
  web: { bind: "${bind}", backend: app, ${listener} }
backends:
  app: { servers: [${items.join(", ")}], ${backend} }
`;
}
