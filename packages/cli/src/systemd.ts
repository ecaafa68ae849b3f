/**
 * What systemd says to a service, and hears from it.
 *
 *     LISTEN_PID, LISTEN_FDS      sockets that it listens on already: the first one, descriptor 3
 *     NOTIFY_SOCKET               wants to know when the first call is answered, and when the end begins
 *
 * VSD1  Node has no datagram sockets of the kind that NOTIFY_SOCKET is, so the program `systemd-notify` speaks for us. The unit
 *     allows that with `NotifyAccess=all`; `Type=exec` does without.
 * VSD2  Who cannot tell systemd says so in the log, and serves all the same.
 */
import { execFile } from 'node:child_process';

export type Environment = Readonly<Record<string, string | undefined>>;

const FIRST_FD = 3;

/** The socket that was handed over to this very process. @throws Error when there are several */
export function activatedSocket(environment: Environment, pid: number): number | undefined {
  const { LISTEN_PID: forPid, LISTEN_FDS: count } = environment;
  if (forPid !== String(pid) || count === undefined || count === '0') return undefined;
  if (count !== '1') throw new Error(`LISTEN_FDS=${count}: systemd hands over one socket, everything is on one port`);
  return FIRST_FD;
}

/** Resolves when it is told, or why it is not. */
export function notify(
  environment: Environment,
  state: 'READY=1' | 'STOPPING=1',
  pid: number,
): Promise<string | undefined> {
  if (environment['NOTIFY_SOCKET'] === undefined) return Promise.resolve(undefined);
  return new Promise((resolve) => {
    execFile('systemd-notify', [`--pid=${pid}`, state], { env: { ...environment }, timeout: 5000 }, (error) => {
      resolve(error === null ? undefined : `systemd was not told ${state}: ${error.message}`);
    });
  });
}
