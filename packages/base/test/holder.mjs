// Takes the lock of a store in a process of its own. Uses the built package.
//   hold PATH            prints the answer's kind and who has it, and stays until its input ends
//   die PATH NTH         kills itself before file system call number NTH of taking and giving back; prints `whole` if it
//                        was not reached
//   churn PATH TIMES     takes and gives back until it has had it TIMES times; prints how often each other answer came but
//                        that somebody else has it
//   fade PATH            removes the folder right before a socket is made in it, and still sees its name until somebody makes
//                        one, as the kernel shows it between the end of a folder and that of its name; prints the answer
//   thread PATH          as `hold`, in a worker thread; the process prints what the thread answers, and ends
import fs from 'node:fs';
import { Server } from 'node:net';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

const [, , command, path, nth] = isMainThread ? process.argv : [undefined, undefined, 'thread', workerData.path];
const calls = [
  'mkdirSync',
  'openSync',
  'readdirSync',
  'lstatSync',
  'renameSync',
  'unlinkSync',
  'rmdirSync',
  'chmodSync',
];

if (command === 'die') {
  let count = 0;
  for (const name of calls) {
    const real = fs[name];
    fs[name] = (...args) => {
      count += 1;
      if (count === Number(nth)) process.kill(process.pid, 'SIGKILL');
      return real(...args);
    };
  }
}
const { lockFolderBeside, takeStoreLock } = await import('../dist/node/store-lock.js');

if (command === 'fade') {
  const folder = lockFolderBeside(path);
  const { lstatSync, mkdirSync } = fs;
  const real = Object.getOwnPropertyDescriptor(Server.prototype, 'listen');
  let last;
  Server.prototype.listen = function fading(...args) {
    Object.defineProperty(Server.prototype, 'listen', real);
    last = lstatSync(folder, { bigint: true });
    fs.rmdirSync(folder);
    return this.listen(...args);
  };
  fs.mkdirSync = (...args) => {
    last = undefined;
    return mkdirSync(...args);
  };
  fs.lstatSync = (name, ...rest) => (name === folder && last) || lstatSync(name, ...rest);
}

function take() {
  const rights = { uid: process.geteuid(), gid: process.getegid(), mode: 0o600 };
  return takeStoreLock({ folder: lockFolderBeside(path), thing: 7n, rights });
}

if (!isMainThread) {
  const answer = await take();
  console.log(`${workerData.mine}, then ${answer.kind} ${answer.holder ?? ''}`);
} else if (command === 'thread') {
  const mine = await take();
  void new Worker(new URL(import.meta.url), { workerData: { path, mine: mine.kind } });
} else if (command === 'churn') {
  const others = {};
  for (let held = 0; held < Number(nth);) {
    const answer = await take();
    if (answer.kind === 'held') {
      held += 1;
      answer.lock.release();
    } else if (answer.kind !== 'busy') others[`${answer.kind} ${answer.reason}`] = true;
  }
  console.log(JSON.stringify(others));
} else {
  const answer = await take();
  if (command === 'fade') {
    console.log(`${answer.kind} ${answer.reason ?? ''}`);
    answer.lock?.release();
  } else if (command === 'die') {
    answer.lock?.release();
    console.log('whole');
  } else {
    console.log(`${answer.kind} ${answer.holder ?? ''}`);
    process.stdin.resume();
  }
}
