// @ts-check
// What is measured, in the order of the table: [metric, title].
/** @type {readonly (readonly [metric: string, title: string])[]} */
export const titles = [
  ['M.encode', 'M encoding and summing a record'],
  ['M.write', 'M writing in order, synced at the end'],
  ['M.sync', 'M a record appended and synced'],
  ['M.dsync', 'M a record into prepared space, O_DSYNC'],
  ['M.pread', 'M reading a record'],
  ['M.pread100', 'M reading a hundred neighbours'],
  ['W1.put', 'W1 sequential put, periodic commit'],
  ['W1.put.cpu', '… processor time of a put, all threads'],
  ['W1r.putRandom', 'W1r put, new keys in random order'],
  ['W2.durable1', 'W2 durable put, 1 writer'],
  ['W2.durable1.p99', '… p99'],
  ['W2.durable64', 'W2 durable put, 64 writers'],
  ['W2.durable64.p99', '… p99'],
  ['W2.durable1024', 'W2 durable put, 1,024 writers'],
  ['W2.durable1024.p99', '… p99'],
  ['W3.getUniform', 'W3 get, uniform, just opened'],
  ['W3m.getMixed', 'W3m get, with a put for every 16'],
  ['W3.getHot', 'W3 get, 1,000 hot keys'],
  ['W4.range100b', 'W4 range of 100, both ends'],
  ['W4.range100', 'W4 range of 100, by limit'],
  ['W5.update', 'W5 update-heavy put'],
  ['W5.getAtRev', 'W5 get at an old revision'],
  ['W6.generations', 'W6 put, put, delete'],
  ['W6.getAtRev', 'W6 get in old generations'],
  ['W7.cas', 'W7 compare and put'],
  ['W8.fan1', 'W8 events to 1 watcher'],
  ['W8.fan100', 'W8 events to 100 watchers'],
  ['W8.fan10000', 'W8 events to all watchers (10,000; 1,000 with --quick)'],
  ['W8k.keyWatch', 'W8k puts with a watcher on each key'],
  ['W8c.catchup', 'W8c catch-up from history'],
  ['W9.open', 'W9 open and rebuild'],
  ['W9.rssAnonMB', 'W9/W11 anonymous memory after open'],
  ['W9.heapMB', '… heap'],
  ['W1.rssAnonMB', 'W11 anonymous memory after load'],
  ['W10.compact', 'W10 compaction'],
  ['W10.fgBaseP99', '… put p99 before'],
  ['W10.fgP99', '… put p99 meanwhile'],
  ['W12.loadDisk', 'W12 disk after W1'],
  ['W12.histDisk', 'W12 disk, history'],
  ['W12.defragDisk', 'W12 … after compaction and defrag'],
];

/** Units of which less is better. */
export const lessIsBetter = new Set(['us', 's', 'MB', 'us/op']);

export const cpuMetrics = ['W1.put', 'W3.getUniform', 'W4.range100b', 'W5.update', 'W5.getAtRev', 'W7.cas'];

/**
 * What was set for the log before there was one: ratios to etcd's engine, at a million keys.
 * @type {Readonly<Record<string, number>>}
 */
export const goals = {
  'W1.put': 2.5,
  'W1.put.cpu': 0.38,
  'W1r.putRandom': 1.8,
  'W2.durable1': 1.3,
  'W2.durable64': 3.5,
  'W2.durable1024': 4,
  'W3.getUniform': 4,
  'W3.getHot': 30,
  'W4.range100b': 2,
  'W5.update': 2.5,
  'W5.getAtRev': 2,
  'W6.getAtRev': 3,
  'W7.cas': 2.5,
  'W8.fan100': 16,
  'W8.fan10000': 50,
  'W8k.keyWatch': 2.5,
  'W8c.catchup': 250,
  'W9.open': 0.1,
  'W9.rssAnonMB': 0.3,
  'W1.rssAnonMB': 0.4,
  'W10.compact': 0.2,
  'W10.fgP99': 1,
};
