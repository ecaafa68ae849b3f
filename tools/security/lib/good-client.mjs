// @ts-check
/** A client as it should be: puts, reads what it has put, and notes how long it waited. */
import { create } from '@bufbuild/protobuf';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import * as api from '@varve/etcd-api';

const { authService, kvService, PutRequestSchema, RangeRequestSchema } = api;

const key = Buffer.from('good');

/**
 * How long calls took.
 *
 * @typedef {object} Waits
 * @property {number} calls
 * @property {number} medianMs
 * @property {number} slowMs of a hundred calls one took longer
 * @property {number} longestMs
 */

export class GoodClient {
  #client;
  #metadata = new Metadata();
  /** Milliseconds of each call. @type {number[]} */
  #waits = [];
  /** @type {string[]} */
  failures = [];
  #isOver = false;
  /** @type {Promise<void> | undefined} */
  #running;

  /** @param {string} address */
  constructor(address) {
    this.#client = new Client(address, credentials.createInsecure());
  }

  /** One value that is large, for those who ask for it. @param {number} bytes */
  async putLarge(bytes) {
    const request = create(PutRequestSchema, { key: Buffer.from('large'), value: Buffer.alloc(bytes, 'x') });
    await this.#call(kvService.put, request);
  }

  /** From now on the server asks who calls, and this client may do everything. */
  async enableAuth() {
    const [name, password] = ['root', 'root'];
    await this.#call(authService.userAdd, create(api.AuthUserAddRequestSchema, { name, password }));
    await this.#call(authService.roleAdd, create(api.AuthRoleAddRequestSchema, { name }));
    await this.#call(authService.userGrantRole, create(api.AuthUserGrantRoleRequestSchema, { user: name, role: name }));
    await this.#call(authService.authEnable, create(api.AuthEnableRequestSchema));
    const login = create(api.AuthenticateRequestSchema, { name, password });
    const { token } = await this.#call(authService.authenticate, login);
    this.#metadata.set('token', token);
  }

  begin() {
    this.#waits = [];
    this.failures = [];
    this.#isOver = false;
    this.#running = this.#run();
  }

  /** @returns {Promise<Waits>} */
  async end() {
    this.#isOver = true;
    await this.#running;
    const waits = this.#waits.toSorted((a, b) => a - b);
    const at = (/** @type {number} */ part) => waits[Math.floor(part * waits.length)] ?? 0;
    return { calls: waits.length, medianMs: at(0.5), slowMs: at(0.99), longestMs: waits.at(-1) ?? 0 };
  }

  close() {
    this.#client.close();
  }

  async #run() {
    for (let round = 0; !this.#isOver; round++) {
      const value = `round ${round}`;
      try {
        await this.#timed(kvService.put, create(PutRequestSchema, { key, value: Buffer.from(value) }));
        const { kvs } = await this.#timed(kvService.range, create(RangeRequestSchema, { key }));
        const read = Buffer.from(kvs[0]?.value ?? []).toString();
        if (read !== value) this.failures.push(`put ${value}, read ${read}`);
      } catch (error) {
        this.failures.push(error instanceof Error ? error.message : String(error));
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /**
   * @template Request, Answer
   * @param {import('@grpc/grpc-js').MethodDefinition<Request, Answer>} method
   * @param {Request} request
   * @returns {Promise<Answer>}
   */
  async #timed(method, request) {
    const began = performance.now();
    try {
      return await this.#call(method, request);
    } finally {
      this.#waits.push(performance.now() - began);
    }
  }

  /**
   * @template Request, Answer
   * @param {import('@grpc/grpc-js').MethodDefinition<Request, Answer>} method
   * @param {Request} request
   * @returns {Promise<Answer>}
   */
  #call({ path, requestSerialize, responseDeserialize }, request) {
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        this.#metadata,
        (error, answer) => {
          if (answer === undefined) reject(error ?? new Error('no answer'));
          else resolve(answer);
        },
      );
    });
  }
}
