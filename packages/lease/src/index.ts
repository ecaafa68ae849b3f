export type { Lease, LeaseCheckpoint, LeaseTxn, Lessor, LessorOptions, PreparedLessor } from './lessor.ts';
export { prepareLessor } from './prepare-lessor.ts';
export { LeaseError, type LeaseErrorCode } from './errors.ts';
