export type {
  LateLessor,
  Lease,
  LeaseCheckpoint,
  LeaseTxn,
  Lessor,
  LessorOptions,
  PreparedLateLessor,
  PreparedLessor,
} from './lessor.ts';
export { prepareLateLessor } from './late-lessor.ts';
export { prepareLessor } from './prepare-lessor.ts';
export { LeaseError, type LeaseErrorCode } from './errors.ts';
