// @ts-check
/**
 * The calls that were made and are not yet in the model, and how they are found again in the store's history.
 *
 * SLE1  Every revision of the store is one call, wholly (law 3), in the order of the calls but for those that float.
 * SLE2  A call that was answered has the revision and the answer that it must have; after a crash it is there (law 7).
 * SLE3  What was not answered is there or not: what is there is a prefix.
 *
 * @typedef {import('./calls.mjs').Call} Call
 * @typedef {import('./calls.mjs').Answer} Answer
 * @typedef {{ readonly call: Call, answer?: Answer, error?: unknown, done: boolean, maybeIdle?: boolean }} Made
 */
import { changesText, Violation } from './model.mjs';

export class Ledger {
  /** @type {Made[]} */
  #made = [];
  #model;
  #note;

  /** @param {import('./model.mjs').Model} model @param {(what: string) => void} note */
  constructor(model, note) {
    this.#model = model;
    this.#note = note;
  }

  get pending() {
    return this.#made.some(({ done }) => !done);
  }

  /** The first call that was refused. */
  get refused() {
    return this.#made.find(({ error }) => error !== undefined);
  }

  /** @param {Call} call @param {import('./calls.mjs').Store} kv */
  make(call, kv) {
    /** @type {Made} */
    const made = { call, done: false };
    this.#made.push(made);
    this.#note(`call ${call.said}`);
    call.make(kv).then(
      (answer) => {
        made.answer = answer;
        made.done = true;
        this.#note(`answer ${call.said} ${answer.revision} ${answer.text}`);
      },
      (error) => {
        made.error = error;
        made.done = true;
        this.#note(`refused ${call.said} ${error?.code ?? error}`);
      },
    );
    return made;
  }

  /** The store's next revision. @param {number} revision @param {string} found its changes */
  enter(revision, found) {
    this.#note(`revision ${revision} ${found}`);
    if (revision !== this.#model.revision + 1)
      throw new Violation(`law 4: revision ${revision} follows ${this.#model.revision}`);
    for (const [at, made] of this.#made.entries()) {
      if (made.call.floats || (made.answer?.revision ?? revision) < revision) continue;
      const draft = this.#model.draft();
      const text = made.call.plays[0]?.(draft);
      if (draft.changes.length === 0) {
        if (made.answer?.revision !== undefined && made.answer.revision > this.#model.revision) break;
        continue;
      }
      if (changesText(draft.changes) !== found && made.maybeIdle === true) continue;
      if (changesText(draft.changes) !== found) break;
      if (made.answer !== undefined && made.answer.revision !== revision) break;
      // It may as well have found nothing to do, behind one that floats and has done the same.
      if (made.answer !== undefined && made.answer.text !== text) break;
      this.#passOver(at);
      this.#made = this.#made.filter((one) => one !== made);
      this.#model.accept(draft);
      return;
    }
    for (const made of this.#made) {
      if (!made.call.floats || (made.answer !== undefined && made.answer.revision !== revision)) continue;
      for (const play of made.call.plays) {
        const draft = this.#model.draft();
        const text = play(draft);
        if (changesText(draft.changes) !== found) continue;
        checkAnswer(made, text, revision);
        this.#made = this.#made.filter((one) => one !== made);
        this.#noteIdle();
        this.#model.accept(draft);
        return;
      }
    }
    const next = this.#made.map(({ call, answer }) => `${call.said} -> ${answer?.revision ?? '?'}`).join('; ');
    throw new Violation(`law 3, law 7: revision ${revision} is none of the calls: ${found}. Calls: ${next}`);
  }

  /** Calls that would change nothing now may have come before the floating one that is next, and never be seen. */
  #noteIdle() {
    for (const made of this.#made) {
      if (made.call.floats) continue;
      const draft = this.#model.draft();
      made.call.plays[0]?.(draft);
      if (draft.changes.length === 0) made.maybeIdle = true;
    }
  }

  /** Those before a call that has had its effect: they had none. @param {number} count */
  #passOver(count) {
    const passed = this.#made.slice(0, count).filter(({ call }) => !call.floats);
    for (const made of passed) this.#checkIdle(made);
    this.#made = this.#made.filter((made) => !passed.includes(made));
  }

  /** @param {Made} made */
  #checkIdle(made) {
    const { revision } = made.answer ?? {};
    if (revision === undefined) return;
    if (revision > this.#model.revision) throw lost(made);
    if (made.call.floats || revision < this.#model.revision) return;
    checkAnswer(made, made.call.plays[0]?.(this.#model.draft()), revision);
  }

  /** The history has ended: all others changed nothing, or are lost. @param {number} floor revisions above may be lost */
  end(floor) {
    for (const made of this.#made) {
      if ((made.answer?.revision ?? 0) <= floor) this.#checkIdle(made);
      else if (made.answer?.revision !== undefined && made.answer.revision <= this.#model.revision)
        this.#checkIdle(made);
    }
    this.#made = [];
  }
}

/** @param {Made} made */
function lost({ call, answer }) {
  return new Violation(`law 7: ${call.said} was answered with revision ${answer?.revision}, and is not there`);
}

/** @param {Made} made @param {string | undefined} text @param {number} revision */
function checkAnswer({ call, answer }, text, revision) {
  if (answer === undefined || text === undefined || answer.text === text) return;
  throw new Violation(`law 2: ${call.said} of revision ${revision} answered ${answer.text}, not ${text}`);
}
