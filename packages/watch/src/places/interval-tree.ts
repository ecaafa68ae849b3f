/**
 * Half-open intervals of byte keys, each with one value, and the question which of them hold a key.
 *
 *                 [d, m) max=∞          ordered by start, then end; an open end comes last
 *                /            \         max: the largest end in the subtree
 *      [a, f) max=q          [h, ∞) max=∞
 *            \               /          stab("k"): left is skipped where max <= "k",
 *          [b, q) max=q   [e, g)        right is skipped where the start is above "k"
 *
 * IT1  In order by (start, end); no two nodes are equal, equal intervals share one value.
 * IT2  The heights of two siblings differ by one at the most (AVL).
 * IT3  A node's `max` is the largest end among itself and its children; an open end is larger than every key.
 *
 * etcd: pkg/adt/interval_tree.go. Departs: AVL instead of red-black, open ends instead of a sentinel, byte order always.
 */

/** The end of an interval, excluded; `undefined` holds every key from the start on. */
export type IntervalEnd = string | undefined;

export interface Node<T> {
  start: string;
  end: IntervalEnd;
  value: T;
  max: IntervalEnd;
  height: number;
  left: Node<T> | undefined;
  right: Node<T> | undefined;
}

type Child<T> = Node<T> | undefined;

export class IntervalTree<T> {
  #root: Child<T>;
  #size = 0;

  /** Distinct intervals. */
  get size(): number {
    return this.#size;
  }

  get(start: string, end: IntervalEnd): T | undefined {
    let node = this.#root;
    while (node !== undefined) {
      const order = compareIntervals(start, end, node);
      if (order === 0) return node.value;
      node = order < 0 ? node.left : node.right;
    }
    return undefined;
  }

  /** @throws Error when the interval is there, or empty */
  insert(start: string, end: IntervalEnd, value: T): void {
    if (end !== undefined && end <= start) throw new Error('interval tree: an empty interval holds no key');
    this.#root = insert(this.#root, { start, end, value, max: end, height: 1, left: undefined, right: undefined });
    this.#size++;
  }

  /** @throws Error when the interval is not there */
  delete(start: string, end: IntervalEnd): void {
    this.#root = remove(this.#root, start, end);
    this.#size--;
  }

  /** Appends the values of all intervals that hold `key` to `found`, in order of the intervals. */
  stab(key: string, found: T[]): void {
    stab(this.#root, key, found);
  }

  /** All of them, in order of the intervals. */
  values(): T[] {
    const found: T[] = [];
    collect(this.#root, found);
    return found;
  }

  /** Throws when IT1, IT2 or IT3 does not hold. For tests. */
  checkInvariants(): void {
    const nodes = checkNodes(this.#root);
    if (nodes !== this.#size) throw new Error(`interval tree: ${nodes} nodes, size ${this.#size}`);
  }
}

function compareIntervals(start: string, end: IntervalEnd, node: { start: string; end: IntervalEnd }): number {
  if (start !== node.start) return start < node.start ? -1 : 1;
  return compareEnds(end, node.end);
}

function compareEnds(a: IntervalEnd, b: IntervalEnd): number {
  if (a === b) return 0;
  if (a === undefined) return 1;
  if (b === undefined) return -1;
  return a < b ? -1 : 1;
}

function largerEnd(a: IntervalEnd, b: IntervalEnd): IntervalEnd {
  return compareEnds(a, b) < 0 ? b : a;
}

function heightOf<T>(node: Child<T>): number {
  return node === undefined ? 0 : node.height;
}

function refresh<T>(node: Node<T>): void {
  const { left, right } = node;
  node.height = 1 + Math.max(heightOf(left), heightOf(right));
  let max = node.end;
  if (left !== undefined) max = largerEnd(max, left.max);
  if (right !== undefined) max = largerEnd(max, right.max);
  node.max = max;
}

function rotateRight<T>(node: Node<T>, left: Node<T>): Node<T> {
  node.left = left.right;
  left.right = node;
  refresh(node);
  refresh(left);
  return left;
}

function rotateLeft<T>(node: Node<T>, right: Node<T>): Node<T> {
  node.right = right.left;
  right.left = node;
  refresh(node);
  refresh(right);
  return right;
}

function balance<T>(node: Node<T>): Node<T> {
  const { left, right } = node;
  const lean = heightOf(left) - heightOf(right);
  if (lean > 1 && left !== undefined) {
    const { right: inner } = left;
    if (inner !== undefined && heightOf(left.left) < inner.height) node.left = rotateLeft(left, inner);
    return rotateRight(node, node.left ?? left);
  }
  if (lean < -1 && right !== undefined) {
    const { left: inner } = right;
    if (inner !== undefined && heightOf(right.right) < inner.height) node.right = rotateRight(right, inner);
    return rotateLeft(node, node.right ?? right);
  }
  refresh(node);
  return node;
}

function insert<T>(node: Child<T>, added: Node<T>): Node<T> {
  if (node === undefined) return added;
  const order = compareIntervals(added.start, added.end, node);
  if (order === 0) throw new Error('interval tree: the interval is there already');
  if (order < 0) node.left = insert(node.left, added);
  else node.right = insert(node.right, added);
  return balance(node);
}

function remove<T>(node: Child<T>, start: string, end: IntervalEnd): Child<T> {
  if (node === undefined) throw new Error('interval tree: no such interval');
  const order = compareIntervals(start, end, node);
  if (order < 0) node.left = remove(node.left, start, end);
  else if (order > 0) node.right = remove(node.right, start, end);
  else {
    if (node.left === undefined) return node.right;
    if (node.right === undefined) return node.left;
    let successor = node.right;
    while (successor.left !== undefined) successor = successor.left;
    node.right = remove(node.right, successor.start, successor.end);
    node.start = successor.start;
    node.end = successor.end;
    node.value = successor.value;
  }
  return balance(node);
}

function stab<T>(node: Child<T>, key: string, found: T[]): void {
  if (node === undefined || (node.max !== undefined && node.max <= key)) return;
  stab(node.left, key, found);
  if (key < node.start) return;
  if (node.end === undefined || key < node.end) found.push(node.value);
  stab(node.right, key, found);
}

function collect<T>(node: Child<T>, found: T[]): void {
  if (node === undefined) return;
  collect(node.left, found);
  found.push(node.value);
  collect(node.right, found);
}

/** Throws when the nodes below and including this one break a rule; returns how many there are. For tests. */
export function checkNodes<T>(node: Node<T> | undefined): number {
  if (node === undefined) return 0;
  const { left, right, height, max } = node;
  const count = checkNodes(left) + 1 + checkNodes(right);
  if (left !== undefined && compareIntervals(left.start, left.end, node) >= 0)
    throw new Error('IT1: left is not before');
  if (right !== undefined && compareIntervals(right.start, right.end, node) <= 0)
    throw new Error('IT1: right is not after');
  if (Math.abs(heightOf(left) - heightOf(right)) > 1) throw new Error('IT2: out of balance');
  refresh(node);
  if (node.height !== height) throw new Error('IT2: wrong height');
  if (node.max !== max) throw new Error('IT3: wrong max');
  return count;
}
