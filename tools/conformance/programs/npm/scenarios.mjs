// @ts-check
/** Runs scenarios by name, and prints `ok NAME` or `not ok NAME: why`. */

/** @param {Record<string, () => Promise<void>>} scenarios */
export async function runScenarios(scenarios) {
  let failed = 0;
  for (const [name, scenario] of Object.entries(scenarios)) {
    try {
      await scenario();
      process.stdout.write(`ok ${name}\n`);
    } catch (error) {
      failed++;
      process.stdout.write(
        `not ok ${name}: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}\n`,
      );
      process.stderr.write(`${error instanceof Error ? error.stack : ''}\n`);
    }
  }
  // Some clients keep the process alive.
  process.exit(failed === 0 ? 0 : 1);
}
