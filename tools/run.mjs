// @ts-check
/**
 * `npm start` and `npm test` on a machine that has Node and npm, and nothing else.
 *
 * RUN1  Needs no installed package: everything it imports is in this folder or in Node.
 * RUN2  This file parses on any Node that knows modules, so an old one is told what it lacks instead of failing on syntax.
 * RUN3  The exit code is the child's, a signal is passed on, and the last line of a test run is `N passed, N failed`.
 */
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

if (major < 20 || (major === 20 && minor < 19) || major === 21 || (major === 22 && minor < 12)) {
  console.error(
    'varve needs Node 20.19 or newer, or 22.12 or newer, and this is ' +
      process.version +
      '.\n' +
      'With npm alone: npx -y node@22 tools/run.mjs ' +
      (process.argv[2] || 'start'),
  );
  process.exitCode = 1;
} else {
  void import('./run/commands.mjs').then((commands) => commands.main(process.argv.slice(2)));
}
