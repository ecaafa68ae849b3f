/** A line between a client and a server that can be cut, held, and opened again: what networks do. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export class Line {
  /** Connections that were taken so far. */
  taken = 0;
  /** Connections that were ended at once. */
  refused = 0;
  #to: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** The other side's answers stay on the way. */
  #held = false;
  #refusing = false;
  readonly #answers: Socket[] = [];

  private constructor(to: number) {
    this.#to = to;
    this.#server = createServer((near) => this.#take(near));
  }

  static async to(port: number): Promise<Line> {
    const line = new Line(port);
    line.#server.listen(0, '127.0.0.1');
    await once(line.#server, 'listening');
    return line;
  }

  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What the server says does not arrive from now on; what it is told does. */
  hold(): void {
    this.#held = true;
    for (const far of this.#answers) far.pause();
  }

  /** New connections lead to another server. */
  turnTo(port: number): void {
    this.#to = port;
  }

  /** Ends all connections; new ones are taken, or ended at once when it is refusing. */
  cut(options: { readonly refusing?: boolean } = {}): void {
    this.#refusing = options.refusing === true;
    this.#held = false;
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
    this.#answers.length = 0;
  }

  open(): void {
    this.#refusing = false;
  }

  async close(): Promise<void> {
    this.cut({ refusing: true });
    await once(this.#server.close(), 'close');
  }

  #take(near: Socket): void {
    if (this.#refusing) {
      this.refused++;
      near.destroy();
      return;
    }
    this.taken++;
    const far = connect(this.#to, '127.0.0.1');
    this.#answers.push(far);
    for (const socket of [near, far]) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
    }
    near.on('close', () => far.destroy());
    far.on('close', () => near.destroy());
    near.on('data', (bytes) => far.write(bytes));
    far.on('data', (bytes) => near.write(bytes));
    if (this.#held) far.pause();
  }
}
