/**
 * What servers are called when the file gives them no name, and the addresses that are none.
 *
 * A name stands in log lines, labels and BACKEND/SERVER, so it has no "/": a unix socket is called
 * by its path with ":" in its place. Whether a text can be a name at all is schema_field.ts's.
 */
const UNIX = "unix:";

/** `demo:NAME`; a number behind the colon is the port of a host called demo. */
const DEMO_ADDRESS = /^demo:([A-Za-z][A-Za-z0-9_-]{0,31})$/;

/** The name of a demo server, or null when the address is not of the form `demo:NAME`. */
export function parseDemoAddress(address: string): string | null {
  return DEMO_ADDRESS.exec(address)?.[1] ?? null;
}

/** The address as written, of a unix socket `unix:run:app.sock`. */
export function nameByAddress(address: string): string {
  if (!address.startsWith(`${UNIX}/`)) return address;
  return UNIX + address.slice(UNIX.length + 1).replaceAll("/", ":");
}
