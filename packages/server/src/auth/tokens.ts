/** What a server gives to those who have shown a password, and takes in place of it afterwards. */

/** Who calls. */
export interface Caller {
  /** Empty: nobody has said who it is. */
  readonly name: string;
  /** The revision of users and roles that the caller's token was given at; 0 where there is none. */
  readonly revision: number;
}

/** A caller who has not said who it is. */
export const NOBODY: Caller = Object.freeze({ name: '', revision: 0 });

export interface Tokens {
  /** A token for the user. @param index of the write that gives it @throws StatusError where tokens are only read here */
  give(name: string, revision: number, index: number): Promise<string>;
  /** Whose it is, if it is valid. @param revision that of now */
  read(token: string, revision: number): Promise<Caller | undefined>;
  /** Takes all of a user's back, where that can be done. */
  forget(name: string): void;
  /** Takes all back, where that can be done. */
  forgetAll(): void;
}
