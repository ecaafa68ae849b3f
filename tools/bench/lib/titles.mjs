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
