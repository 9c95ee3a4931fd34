/**
 * Three machines in a row: a client, Ringway's, and a server whose answers come back through
 * Ringway's. On that one a rule of the network hands over what comes from the server's side to the
 * sockets of this machine, whatever address it is for: what `transparent: true` needs.
 */
import { Network, type NetworkSpace } from "../real/network.ts";

export const CLIENT = { four: "10.92.1.9", six: "fd92:1::9" };
export const PROXY = { four: "10.92.1.1", six: "fd92:1::1" };
export const SERVER = { four: "10.92.2.2", six: "fd92:2::2" };
const GATEWAY = { four: "10.92.2.1", six: "fd92:2::1" };

const SERVER_ROUTES = `
  ip -4 route add default via ${GATEWAY.four}
  ip -6 route add default via ${GATEWAY.six}
`;
const RETURN_RULES = `
  for family in -4 -6; do
    ip $family rule add iif server0 lookup 100
    ip $family route add local default dev lo table 100
  done
`;

export interface TransparentNetwork extends AsyncDisposable {
  readonly client: NetworkSpace;
  readonly proxy: NetworkSpace;
  readonly server: NetworkSpace;
}

export async function makeTransparentNetwork(): Promise<TransparentNetwork> {
  await using stack = new AsyncDisposableStack();
  const network = stack.use(new Network());
  const proxy = await network.addSpace();
  const client = await network.addSpace();
  const server = await network.addSpace();
  await network.connect(proxy, "client0", client, "proxy0");
  await network.connect(proxy, "server0", server, "proxy0");
  const rows = [
    [client, { proxy0: CLIENT }, ""],
    [proxy, { client0: PROXY, server0: GATEWAY }, RETURN_RULES],
    [server, { proxy0: SERVER }, SERVER_ROUTES],
  ] as const;
  for (const [space, devices, routes] of rows) {
    for (const [device, { four, six }] of Object.entries(devices)) {
      await space.addAddresses(device, [`${four}/24`, `${six}/64`]);
    }
    if (routes !== "") await space.run("sh", "-ec", routes);
  }
  const owner = stack.move();
  return { client, proxy, server, [Symbol.asyncDispose]: () => owner.disposeAsync() };
}
