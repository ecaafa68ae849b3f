/**
 * How long any test and hook waits for what will come, in every project: a machine that does other work, too, takes its time.
 *
 * PAT1  A limit is there to end what hangs. No test passes or fails by how fast a machine is.
 */
export const patience = {
  testTimeout: 120_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 60_000 } },
} as const;
