export type {
  AtLeastOption,
  Behind,
  ByteKv,
  CaughtUpOptions,
  FollowClusterOptions,
  Follower,
  FollowerPhase,
  FollowerStatus,
  FollowOptions,
} from './contract.ts';
export {
  openFollower,
  type FollowBothOptions,
  type FollowKeyOptions,
  type FollowValueOptions,
} from './open-follower.ts';
