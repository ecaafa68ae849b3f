/** What a flag is, and the three things that can become of it (EFL1). */

/** `switch` takes no value unless it is written `--flag=value`. Durations are Go's: 1h30m, 100ms. */
export type FlagKind = 'text' | 'switch' | 'number' | 'duration' | 'urls' | 'list';

export interface Flag {
  readonly kind: FlagKind;
  /** As text, before it is read as its kind. */
  readonly initial: string;
  readonly fate: 'done' | 'no effect' | 'refused';
  /** Why it has no effect, or why every value but `initial` is refused; of a flag that is done, what it does. */
  readonly word: string;
}

/** It does what etcd does. */
export function done(kind: FlagKind, initial: string, word: string): Flag {
  return { kind, initial, fate: 'done', word };
}

/** It is taken, and changes nothing. */
export function without(kind: FlagKind, initial: string, word: string): Flag {
  return { kind, initial, fate: 'no effect', word };
}

/** Every value but `initial` ends the program. */
export function refused(kind: FlagKind, initial: string, word: string): Flag {
  return { kind, initial, fate: 'refused', word };
}
