// @ts-check
/** What counts of an answer to a gateway's request, and where this server is meant to answer otherwise than etcd 3.4. */

import { createHash } from 'node:crypto';

/** @typedef {import('./http.mjs').HttpAnswer} HttpAnswer */

/**
 * @typedef {object} Telling
 * @property {number} status
 * @property {Readonly<Record<string, string>>} headers
 * @property {string} body
 */

const counted = [
  ...['content-type', 'location', 'grpc-metadata-content-type', 'x-content-type-options'],
  ...['access-control-allow-origin', 'access-control-allow-methods', 'access-control-allow-headers'],
];

/** What differs from run to run, or between clusters. */
const varying =
  /"(cluster_id|member_id|raft_term|leader|raftIndex|raftTerm|raftAppliedIndex|dbSize|dbSizeInUse)":"[0-9]+"/g;

/** @param {HttpAnswer} answer @param {string} endpoint @returns {Telling} */
export function telling({ status, headers, body }, endpoint) {
  const told = Object.fromEntries(counted.flatMap((name) => (name in headers ? [[name, headers[name] ?? '']] : [])));
  const text = body
    .replaceAll(endpoint, 'ENDPOINT')
    .replaceAll(varying, '"$1":"N"')
    .replaceAll(/"hash":[0-9]+/g, '"hash":N')
    .replaceAll(/"ID":"[0-9]+","name":"default","peerURLs":\["[^"]*"\]/g, '"ID":"N","name":"default","peerURLs":["P"]')
    .replaceAll(/,"(isLearner|storageVersion|dbSizeQuota|downgradeInfo)":("[^"]*"|\{\}|true|false)/g, '');
  return { status, headers: told, body: text };
}

/** Of a request: a recording belongs to the one that was asked. @param {import('./http.mjs').HttpRequest} request */
export function fingerprint(request) {
  return createHash('sha256').update(JSON.stringify(request)).digest('hex').slice(0, 16);
}

/**
 * Where the answer is another one, on purpose, and why. A case that is listed and does not differ is a fault.
 * @type {ReadonlyMap<string, string>}
 */
export const meant = new Map([
  ['an unknown number of an enum', 'etcd 3.4 takes it for none; later ones refuse it, as we do'],
  ['no alarms', 'etcd leaves the header out when there is no alarm'],
  ['alarms by number', 'etcd leaves the header out when there is no alarm'],
  ['path /v3/kv/%', "Go's own answer to what is no address has no length, and ends with the connection"],
  ['metadata', 'etcd 3.4 looks at a token also while users are off; later ones do not, and neither do we'],
  ['a token that is none', 'etcd 3.4 looks at a token also while users are off; later ones do not, and neither do we'],
]);
