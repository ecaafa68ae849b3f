// @ts-check
/**
 * `// =>` behind a statement says what it shows; here the comment becomes a check.
 *
 *     console.log(entry.key); // => config/theme          what console.log prints
 *     const value = await kv.get('a'); // => undefined    what the new variable holds
 *     entry.version; // => 2                              what the expression gives
 *
 * AS1  One whole statement on one line, or an error: a comment that looks like a check is one. It may be a loop around
 *     one console.log, which must then print the same each time.
 * AS2  The type checker sees the same program: the checks return what they are given.
 * AS3  No line moves. In the expected text `…` stands for anything.
 */
import { parseSync } from 'oxc-parser';

/** The module every rewritten program imports, beside it. */
export const helperFile = 'example-checks.mjs';

/**
 * @param {string} code
 * @param {string} document for messages
 * @returns {string}
 */
export function rewriteAssertions(code, document) {
  let found = false;
  const lines = code.split('\n').map((line, index) => {
    const match = /^(.*?)\/\/ => ?(.*)$/.exec(line);
    if (match === null) return line;
    found = true;
    const [, statement = '', expected = ''] = match;
    const where = `${document}:${index + 1}`;
    return rewrite(statement, `${JSON.stringify(where)}, ${JSON.stringify(expected.trim())}`, where);
  });
  if (!found) return code;
  return `import * as __checks from './${helperFile}';${lines.join('\n')}`;
}

/** @param {string} text @param {string} arguments_ @param {string} where */
function rewrite(text, arguments_, where) {
  const { program, errors } = parseSync('line.ts', text, { sourceType: 'module' });
  const [statement] = /** @type {any[]} */ (program.body);
  if (errors.length > 0 || program.body.length !== 1) {
    throw new Error(`${where}: // => needs one whole statement on its line`);
  }
  /** @param {any} node */
  const textOf = (node) => text.slice(node.start, node.end);
  const call = onlyLog(statement, textOf);
  if (call !== undefined) {
    const printed = call.arguments.map(textOf).join(', ');
    return `${text.slice(0, call.start)}console.log(...__checks.prints(${arguments_}, ${printed}))${text.slice(call.end).trimEnd()}`;
  }
  if (statement.type === 'ExpressionStatement') {
    const { expression } = statement;
    return `${text.slice(0, expression.start)}__checks.gives(${arguments_}, ${textOf(expression)});`;
  }
  const name =
    statement.type === 'VariableDeclaration' &&
    statement.declarations.length === 1 &&
    onlyName(statement.declarations[0].id);
  if (!name) throw new Error(`${where}: // => needs an expression, a console.log, or a variable with one name`);
  return `${text.trimEnd()} __checks.gives(${arguments_}, ${name});`;
}

/**
 * The call of console.log in a statement that has exactly one.
 * @param {any} statement
 * @param {(node: any) => string} textOf
 */
function onlyLog(statement, textOf) {
  /** @type {any[]} */
  const calls = [];
  /** @param {any} node */
  const visit = (node) => {
    if (node === null || typeof node !== 'object') return;
    if (node.type === 'CallExpression' && textOf(node.callee) === 'console.log') calls.push(node);
    Object.values(node).forEach(visit);
  };
  visit(statement);
  return calls.length === 1 ? calls[0] : undefined;
}

/** @param {any} pattern the one name that a declaration binds @returns {string | undefined} */
function onlyName(pattern) {
  if (pattern.type === 'Identifier') return pattern.name;
  const parts =
    pattern.type === 'ObjectPattern' ? pattern.properties : pattern.type === 'ArrayPattern' ? pattern.elements : [];
  if (parts.length !== 1) return undefined;
  return onlyName(parts[0]?.value ?? parts[0] ?? {});
}
