/**
 * A port that the kernel considers free. nginx and HAProxy do not tell which port they got when
 * they leave the choice to the kernel, so it is asked in advance; somebody else might take the
 * port in between, which then shows as a proxy that cannot start.
 */
export function findFreePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}
