// @ts-check
/**
 * What must hold of the times of revisions, through crashes and failures: every revision that is there has one, it does not change, and
 * none is before that of the revision before it (H30, H32, H36).
 */
import { Violation } from './model.mjs';
import { codeOf } from './patience.mjs';

export class Dates {
  /** The times that were seen, by revision. @type {Map<number, number>} */
  #seen = new Map();

  /** What came after it is lost, and its revisions will be others'. @param {number} revision */
  goBack(revision) {
    for (const later of this.#seen.keys()) if (later > revision) this.#seen.delete(later);
  }

  /** @param {import('@varve/kv').EmbeddedKv} kv */
  async look(kv) {
    const { compactRevision = 0, revision } = kv.stats();
    let before = 0;
    // The first revision is that of the empty store: nobody wrote it.
    for (let at = Math.max(2, compactRevision); at <= revision; at++) {
      let time;
      try {
        time = (await kv.timeOf(at))?.valueOf();
      } catch (error) {
        // Compacted meanwhile.
        if (codeOf(error) === 'MVCC_COMPACTED') continue;
        throw error;
      }
      if (time === undefined) throw new Violation(`H36: revision ${at} of ${revision} has no time`);
      if (time < before) throw new Violation(`H32: revision ${at} has a time before that of the one before it`);
      const seen = this.#seen.get(at);
      if (seen !== undefined && seen !== time)
        throw new Violation(`H30: revision ${at} was written at ${seen}, now at ${time}`);
      this.#seen.set(at, time);
      before = time;
    }
    const newest = before === 0 ? undefined : await kv.revisionAt(before);
    if (newest !== undefined && newest < revision)
      throw new Violation(`H31: at ${before} ${newest} was present, not ${revision}`);
  }
}
