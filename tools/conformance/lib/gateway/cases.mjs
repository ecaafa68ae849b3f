// @ts-check
/** Requests to a gateway: usual, odd and hostile ones, in an order in which each finds what those before it have left. */

import { byteTexts, documents, numbers } from './json-texts.mjs';

/** @typedef {import('./http.mjs').HttpRequest & { readonly name: string }} GatewayCase */

/** @param {string} text */
const b64 = (text) => Buffer.from(text, 'latin1').toString('base64');

/** @type {GatewayCase[]} */
const cases = [];

/** @param {string} name @param {import('./http.mjs').HttpRequest} request */
const add = (name, request) => cases.push({ name, ...request });

/** @param {string} name @param {string} path @param {unknown} body text as it is, else JSON of it @param {Partial<import('./http.mjs').HttpRequest>} [more] */
const post = (name, path, body, more) =>
  add(name, { target: `/v3/${path}`, body: typeof body === 'string' ? body : JSON.stringify(body), ...more });

const foo = b64('foo');
const txns = (/** @type {number} */ levels) =>
  '{"success":[{"request_txn":'.repeat(levels) + '{}' + '}]}'.repeat(levels);

// Keys and values.
post('a put', 'kv/put', { key: foo, value: b64('bar') });
post('a put with everything', 'kv/put', {
  key: foo,
  value: b64('baz'),
  lease: '0',
  prev_kv: true,
  ignore_value: false,
});
post('a range of one', 'kv/range', { key: foo });
post('a range of none', 'kv/range', { key: b64('none') });
post('an empty value', 'kv/put', { key: b64('empty') });
post('a range with an empty value', 'kv/range', { key: b64('empty') });
post('bytes of all kinds', 'kv/put', { key: b64('\x00\xff<>&'), value: b64('\u0001\u0080"\\/') });
post('all of them', 'kv/range', { key: b64('\0'), range_end: b64('\0') });
post('sorted, names of enums', 'kv/range', {
  key: b64('a'),
  range_end: b64('z'),
  sort_order: 'DESCEND',
  sort_target: 'MOD',
});
post('sorted, numbers of enums', 'kv/range', { key: b64('a'), range_end: b64('z'), sort_order: 2, sort_target: 3 });
post('sorted, camelCase', 'kv/range', { key: b64('a'), rangeEnd: b64('z'), sortOrder: 'ASCEND', sortTarget: 'VALUE' });
post('an unknown number of an enum', 'kv/range', { key: foo, sort_order: 77 });
post('an unknown name of an enum', 'kv/range', { key: foo, sort_order: 'SIDEWAYS' });
post('a number of an enum in quotes', 'kv/range', { key: foo, sort_order: '1' });
post('an enum that is a fraction', 'kv/range', '{"key":"Zm9v","sort_order":1.5}');
post('an enum that is an object', 'kv/range', '{"key":"Zm9v","sort_order":{}}');
post('an enum that is true', 'kv/range', '{"key":"Zm9v","sort_order":true}');
post('an enum that is too large', 'kv/range', '{"key":"Zm9v","sort_order":4294967296}');
post('an enum that is null', 'kv/range', '{"key":"Zm9v","sort_order":null}');
post('both names, in either order', 'kv/range', '{"rangeEnd":"YQ==","key":"AA==","range_end":"AA==","limit":1}');
post('count only', 'kv/range', { key: '', range_end: 'AA==', count_only: true });
post('keys only, limited', 'kv/range', { key: 'AA==', range_end: 'AA==', keys_only: true, limit: '2' });
post('everything written out', 'kv/range', {
  ...{
    key: foo,
    range_end: '',
    limit: '0',
    revision: '0',
    sort_order: 'NONE',
    sort_target: 'KEY',
    serializable: false,
  },
  ...{ keys_only: false, count_only: false, min_mod_revision: '0', max_mod_revision: 0 },
});
post('a delete that finds nothing', 'kv/deleterange', { key: b64('none') });
post('a delete with what was there', 'kv/deleterange', { key: b64('empty'), prev_kv: true });
post('a revision that has not come', 'kv/range', { key: foo, revision: '999' });
post('a revision that is gone, before', 'kv/compaction', { revision: '3' });
post('a revision that is gone', 'kv/range', { key: foo, revision: '1' });
post('a compaction again', 'kv/compaction', '{"revision":3}');
post('a compaction of what has not come', 'kv/compaction', '{"revision":"4000","physical":true}');
post('no key', 'kv/put', {});
post('ignore a value that is there', 'kv/put', { key: foo, value: foo, ignore_value: true });
post('an unknown lease', 'kv/put', { key: foo, lease: '77' });

// Numbers.
for (const [name, text] of numbers) {
  post(`as an int64: ${name}`, 'kv/range', `{"key":"Zm9v","revision":${text}}`);
}
post('as an uint64: a sign', 'cluster/member/remove', '{"ID":-1}');
post('as an uint64: the largest', 'cluster/member/remove', '{"ID":18446744073709551615}');
post('as an uint64: the largest, in quotes', 'cluster/member/remove', '{"ID":"18446744073709551615"}');
post('as an uint64: one more', 'cluster/member/remove', '{"ID":"18446744073709551616"}');

// Bytes.
for (const [name, text] of byteTexts) {
  post(`bytes ${name}`, 'kv/range', `{"key":${text},"range_end":"AA=="}`);
}

// JSON.
for (const [name, text] of documents) {
  post(`JSON: ${name}`, 'kv/range', text);
}

// Other types of fields.
for (const [name, value] of /** @type {const} */ ([
  ['true', 'true'],
  ['text', '"true"'],
  ['a number', '1'],
  ['null', 'null'],
])) {
  post(`a bool as ${name}`, 'kv/range', `{"key":"Zm9v","count_only":${value}}`);
}
for (const [name, value] of /** @type {const} */ ([
  ['a text', '"http://a:1"'],
  ['an object', '{}'],
  ['null', 'null'],
  ['a list of numbers', '[1]'],
  ['a list of null', '[null]'],
  ['a list', '["not a url","\\ud800<>&"]'],
])) {
  post(`texts as ${name}`, 'cluster/member/add', `{"peerURLs":${value}}`);
}

// Transactions.
post('a transaction', 'kv/txn', {
  compare: [{ key: foo, result: 'GREATER', target: 'CREATE', create_revision: '0' }],
  success: [{ request_put: { key: foo, value: b64('new'), prev_kv: true } }, { requestRange: { key: foo } }],
  failure: [{ request_delete_range: { key: foo } }],
});
post('a transaction that fails', 'kv/txn', {
  compare: [{ key: foo, target: 'VALUE', value: b64('other') }],
  success: [{ request_put: { key: foo } }],
  failure: [{ request_range: { key: foo } }, { request_delete_range: { key: foo, prev_kv: true } }],
});
post('a compare without anything', 'kv/txn', { compare: [{ key: foo }], success: [{ request_range: { key: foo } }] });
post('a compare by numbers', 'kv/txn', { compare: [{ key: foo, result: 3, target: 0, version: 5 }] });
post('a compare of a range', 'kv/txn', {
  compare: [{ key: b64('a'), rangeEnd: b64('z'), target: 'MOD', result: 'NOT_EQUAL', modRevision: '1' }],
});
post('a compare with null', 'kv/txn', '{"compare":[{"key":"Zm9v","target":"VERSION","version":null}]}');
post('a compare with null bytes', 'kv/txn', '{"compare":[{"key":"Zm9v","target":"VALUE","value":null}]}');
post('a transaction of nothing', 'kv/txn', {});
post('a transaction of null', 'kv/txn', '{"compare":null,"success":null,"failure":[]}');
post('an operation of nothing', 'kv/txn', { success: [{}] });
post('an operation of null', 'kv/txn', '{"success":[{"request_range":null}]}');
post('an operation that is a text', 'kv/txn', '{"success":["a"]}');
post('operations that are an object', 'kv/txn', '{"success":{"request_range":{}}}');
post('an operation without a key', 'kv/txn', '{"success":[{"request_put":{}}]}');
post('a key twice', 'kv/txn', { success: [{ request_put: { key: foo } }, { request_put: { key: foo } }] });
post('a transaction in a transaction', 'kv/txn', {
  success: [
    {
      request_txn: {
        compare: [{ key: foo, target: 'VERSION', version: '0' }],
        failure: [{ request_put: { key: b64('in') } }],
      },
    },
  ],
});
post('ten transactions in one another', 'kv/txn', txns(10));
post('too many operations', 'kv/txn', {
  success: Array.from({ length: 129 }, () => ({ request_range: { key: foo } })),
});

// Leases.
post('a lease', 'lease/grant', { TTL: 600, ID: '1000' });
post('a lease above 2^53', 'lease/grant', '{"TTL":"600","ID":7587862094907839239}');
post('a lease that is there', 'lease/grant', { TTL: 600, ID: 1000 });
post('a lease that is too long', 'lease/grant', { TTL: '9000000001', ID: 1001 });
post('a put with a lease', 'kv/put', '{"key":"bGVhc2Vk","lease":7587862094907839239}');
post('a key with a lease', 'kv/range', { key: b64('leased') });
post('the leases', 'lease/leases', {});
post('the leases, by the older path', 'kv/lease/leases', '');
post('how long it has', 'lease/timetolive', '{"ID":"1","keys":true}');
post('how long it has, by the older path', 'kv/lease/timetolive', '{"ID":"1"}');
post('revoked', 'lease/revoke', { ID: '1000' });
post('revoked again, by the older path', 'kv/lease/revoke', { ID: '1000' });
post('kept alive', 'lease/keepalive', '{"ID":7587862094907839239}');
post('kept alive, and one that is gone', 'lease/keepalive', '{"ID":"7587862094907839239"}\n{"ID":"1000"}{"ID":5}');
post('kept alive, with nothing', 'lease/keepalive', '');
post('kept alive, with spaces', 'lease/keepalive', ' \n ');
post('kept alive, wrong', 'lease/keepalive', '{"ID":"x"}');
post('kept alive, no JSON', 'lease/keepalive', 'nonsense');
post('kept alive, the second wrong', 'lease/keepalive', '{"ID":"7"}{"ID":"x"}{"ID":"8"}');
post('kept alive, half a second', 'lease/keepalive', '{"ID":"7"}{"ID":');
post('kept alive, null', 'lease/keepalive', 'null');
post('revoked at last', 'lease/revoke', '{"ID":"7587862094907839239"}');

// Watches.
post('before watches', 'kv/put', { key: b64('w1'), value: b64('one') });
post('before watches, gone', 'kv/deleterange', { key: b64('w1') });
post('a watch', 'watch', { create_request: { key: b64('w'), range_end: b64('x') } }, { messages: 1 });
post('a watch, camelCase', 'watch', { createRequest: { key: b64('w'), rangeEnd: b64('x') } }, { messages: 1 });
post('a watch of history', 'watch', '{"create_request":{"key":"dzE=","start_revision":4,"prev_kv":true}}', {
  messages: 2,
});
post(
  'a watch without deletions',
  'watch',
  '{"create_request":{"key":"dzE=","start_revision":"4","filters":["NODELETE"]}}',
  { messages: 2 },
);
post(
  'a watch with a filter by number',
  'watch',
  '{"create_request":{"key":"dzE=","start_revision":"4","filters":[1]}}',
  { messages: 2 },
);
post('a watch that is compacted', 'watch', '{"create_request":{"key":"dzE=","start_revision":"1"}}', { messages: 2 });
post('a watch with an id above 2^53', 'watch', '{"create_request":{"key":"dzE=","watch_id":9007199254740993}}', {
  messages: 1,
});
post(
  'two watches and a progress',
  'watch',
  '{"create_request":{"key":"YQ=="}}{"create_request":{"key":"Yg=="}}{"cancel_request":{"watch_id":"1"}}',
  { messages: 3 },
);
post('a watch of an empty range', 'watch', '{"create_request":{"key":"Yg==","range_end":"YQ=="}}', { messages: 1 });
post('a watch of a wrong key', 'watch', '{"create_request":{"key":5}}');
post('a watch of no JSON', 'watch', '{"create_request"');
post('a watch of a list', 'watch', '[]');

// The rest of the services.
post('the members', 'cluster/member/list', {});
post('a member with a wrong address', 'cluster/member/add', { peerURLs: ['nonsense'] });
post('no such member', 'cluster/member/update', { ID: '5', peerURLs: ['http://a:1'] });
post('no such member to promote', 'cluster/member/promote', { ID: '5' });
post('the status', 'maintenance/status', {});
post('the hash', 'maintenance/hash', {});
post('defragment', 'maintenance/defragment', {});
post('no alarms', 'maintenance/alarm', { action: 'GET' });
post('alarms by number', 'maintenance/alarm', '{"action":0,"memberID":"0","alarm":"NONE"}');
post('a leader that is none', 'maintenance/transfer-leadership', { targetID: '5' });

// Paths.
for (const target of [
  ...['/v3', '/v3/', '/v3/kv', '/v3/kv/', '/v3/kv/range/', '/v3/kv/nope', '/v3/KV/RANGE', '/v3/kv/range/more'],
  ...['//v3/kv/range', '/v3//kv/range', '/v3/./kv/range', '/v3/x/../kv/range', '/../v3/kv/range', '/v3/kv/range/..'],
  ...['/v3/kv/range?limit=1', '/v3/kv/range?', '/v3/kv/range:', '/v3/kv/range:get', '/v3/kv/:', '/v3/kv/ran%67e'],
  ...['/v3/kv%2frange', '/v3/kv/range%00', '/v3//kv/range?a=b&c', '/v3/%2e%2e/version', '/v3/kv/%'],
  ...['/v3beta/kv/range', '/v3beta', '/v3beta/', '/v3alpha/kv/range', '/v3beta/kv/lease/leases', '/v3beta/v3/kv/range'],
  ...['/v2/keys', '/v4/kv/range', '/', '/v3/lock/nope', '/v3/election', '/v3/__proto__', '/v3/kv/constructor'],
]) {
  add(`path ${target}`, { target, body: '{"key":"Zm9v"}' });
}
for (const method of ['GET', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE']) {
  add(`method ${method}`, { method, target: '/v3/kv/range', body: method === 'PUT' ? '{"key":"Zm9v"}' : '' });
  add(`method ${method}, no such path`, { method, target: '/v3/kv/nope' });
}
const form = 'application/x-www-form-urlencoded';
for (const method of ['GET', 'POST', 'post', 'DELETE', '']) {
  const override = { 'x-http-method-override': method };
  post(`POST that means ${method}`, 'kv/range', { key: foo }, { headers: override });
  post(`a form that means ${method}`, 'kv/range', { key: foo }, { headers: { ...override, 'content-type': form } });
}

// Headers.
for (const type of [
  'application/json',
  'application/json; charset=utf-8',
  form,
  'text/plain',
  'application/grpc',
  'x',
]) {
  post(`content type ${type}`, 'kv/range', { key: foo }, { headers: { 'content-type': type } });
}
post('accepts something else', 'kv/range', { key: foo }, { headers: { accept: 'text/html' } });
post('accepts gzip', 'kv/range', { key: foo }, { headers: { 'accept-encoding': 'gzip, br' } });
post('sends gzip', 'kv/range', '\x1f\x8b\x08\x00', { headers: { 'content-encoding': 'gzip' } });
post('an origin', 'kv/range', { key: foo }, { headers: { origin: 'http://example.com' } });
add('a preflight', {
  method: 'OPTIONS',
  target: '/v3/kv/range',
  headers: { origin: 'http://example.com', 'access-control-request-method': 'POST' },
});
add('a preflight of nothing', { method: 'OPTIONS', target: '/nope', headers: { origin: 'null' } });
for (const timeout of ['10S', '1H', '1n', '1u', '5000m', '', 'x', '1', 'S', '-1S', '1.5S', '1s', ' 1S']) {
  post(`a timeout of ${timeout}`, 'kv/range', { key: foo }, { headers: { 'grpc-timeout': timeout } });
}
post('metadata', 'kv/range', { key: foo }, { headers: { 'grpc-metadata-a': 'b', authorization: 'none' } });
post('metadata in base64', 'kv/range', { key: foo }, { headers: { 'grpc-metadata-a-bin': 'YQ==' } });
post('metadata in base64 without padding', 'kv/range', { key: foo }, { headers: { 'grpc-metadata-a-bin': 'YQ' } });
post('metadata in wrong base64', 'kv/range', { key: foo }, { headers: { 'grpc-metadata-a-bin': '%%' } });
post('a token that is none', 'kv/range', { key: foo }, { headers: { 'grpc-metadata-token': 'none' } });

// Sizes.
post('a value of a megabyte', 'kv/put', { key: b64('large'), value: b64('x'.repeat(2 ** 20)) });
post('a value that is too large', 'kv/put', { key: b64('large'), value: b64('x'.repeat(1_573_000)) });
post('a message that is too large', 'kv/put', { key: b64('large'), value: b64('x'.repeat(2_200_000)) });
post('a large value again', 'kv/range', { key: b64('large'), keys_only: true });

// Users and roles with auth off, locks and elections.
post('users: no roles', 'auth/role/list', '');
post('users: no users', 'auth/user/list', {});
post('users: enabled without root', 'auth/enable', {});
post('users: a token with auth off', 'auth/authenticate', { name: 'root', password: 'x' });
post('users: a user', 'auth/user/add', { name: 'a', password: 'b' });
post('users: a user again', 'auth/user/add', { name: 'a', password: 'b' });
post('users: a user without a name', 'auth/user/add', { password: 'b' });
post('users: a role', 'auth/role/add', { name: 'r' });
post('users: a permission', 'auth/role/grant', {
  name: 'r',
  perm: { permType: 'READWRITE', key: foo, range_end: b64('fop') },
});
post('users: a permission by number', 'auth/role/grant', { name: 'r', perm: { permType: 1, key: b64('x') } });
post('users: what a role may', 'auth/role/get', { role: 'r' });
post('users: a role for a user', 'auth/user/grant', { user: 'a', role: 'r' });
post('users: what a user has', 'auth/user/get', { name: 'a' });
post('users: nobody', 'auth/user/get', { name: 'nobody' });
post('users: a role taken', 'auth/user/revoke', { name: 'a', role: 'r' });
post('users: a permission taken', 'auth/role/revoke', { role: 'r', key: b64('x') });
post('users: a user less', 'auth/user/delete', { name: 'a' });
post('users: a role less', 'auth/role/delete', { role: 'r' });
post('locks: a lease', 'lease/grant', { TTL: 600, ID: 4242 });
post('locks: a lock', 'lock/lock', { name: b64('lock'), lease: '4242' });
post('locks: unlocked', 'lock/unlock', { key: b64('lock/1092') });
post('elections: a campaign', 'election/campaign', { name: b64('vote'), lease: 4242, value: b64('me') });
post('elections: the leader', 'election/leader', { name: b64('vote') });
post('elections: the leader, as a stream', 'election/observe', { name: b64('vote') }, { messages: 1 });
post('elections: no leader', 'election/leader', { name: b64('none') });
post('elections: nothing to proclaim', 'election/proclaim', {});

/** @type {readonly GatewayCase[]} */
export const gatewayCases = cases;
