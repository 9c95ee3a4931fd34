/**
 * A server of grpc.health.v1 on plain HTTP/2, of Node's making, so that Ringway's probe meets an
 * implementation that is not its own. What it answers may be changed at any time.
 */
import { once } from "node:events";
import { createServer, type Http2Server, type ServerHttp2Stream } from "node:http2";
import { within } from "../until.ts";

const HOSTNAME = "127.0.0.2";
/** grpc.health.v1.HealthCheckResponse.ServingStatus */
export const SERVING = 1;
export const NOT_SERVING = 2;
/** Status codes of gRPC. */
const OK = 0;
export const NOT_FOUND = 5;

export class GrpcServer implements AsyncDisposable {
  /** What is answered when the call succeeds. */
  servingStatus = SERVING;
  /** That of the call; of others than 0 the answer has no message. */
  callStatus = OK;
  /** The service asked for, of each call. */
  readonly services: string[] = [];
  readonly paths: string[] = [];
  readonly #server: Http2Server;

  private constructor(server: Http2Server) {
    this.#server = server;
    server.on("stream", (stream, headers) => {
      this.paths.push(String(headers[":path"]));
      this.#answer(stream);
    });
    server.on("sessionError", () => {}); // broken by its client
  }

  static async start(): Promise<GrpcServer> {
    const server = createServer();
    server.listen(0, HOSTNAME);
    await within("a gRPC server listens", once(server, "listening"));
    return new GrpcServer(server);
  }

  get address(): string {
    return `${HOSTNAME}:${(this.#server.address() as { port: number }).port}`;
  }

  #answer(stream: ServerHttp2Stream): void {
    const bytes: number[] = [];
    stream.on("error", () => {});
    stream.on("data", (chunk: Uint8Array) => bytes.push(...chunk));
    stream.on("end", () => {
      // Five bytes of gRPC, then field 1 of the message: its tag, its length, the name.
      this.services.push(String.fromCharCode(...bytes.slice(7)));
      const fields = { ":status": 200, "content-type": "application/grpc" };
      const trailers = { "grpc-status": String(this.callStatus) };
      if (this.callStatus !== OK) {
        stream.respond({ ...fields, ...trailers }, { endStream: true });
        return;
      }
      stream.respond(fields, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers(trailers));
      stream.end(new Uint8Array([0, 0, 0, 0, 2, 8, this.servingStatus]));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    await within("the gRPC server has closed", closed);
  }
}
