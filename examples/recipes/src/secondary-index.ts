/**
 * A secondary index: people by city, kept by the section that writes them.
 *
 * SIX1  A person and its index entry change as one revision: no reader, watcher or crash sees one without the other.
 * SIX2  Who looks things up reads index and people at the same revision.
 * SIX3  Keys are tuples: the prefix of one city is not the prefix of another whose name is longer.
 */
import type { EmbeddedKv, Tuple } from '@varve/kv';

export interface Person {
  readonly name: string;
  readonly city: string;
}
/** `['person', id]` has the person, `['city', city, id]` nothing: the key says it all. */
export type People = EmbeddedKv<Tuple, Person | null>;

/** Puts a person, or deletes the one there is. */
export async function setPerson(people: People, id: string, person?: Person): Promise<void> {
  await people.write((section) => {
    const before = section.get(['person', id])?.value;
    if (before) section.delete(['city', before.city, id]);
    if (person === undefined) {
      section.delete(['person', id]);
    } else {
      section.put(['person', id], person);
      section.put(['city', person.city, id], null);
    }
  });
}

export async function* peopleIn(people: People, city: string): AsyncGenerator<Person> {
  const reader = people.at(people.revision);
  for await (const { key } of reader.list({ prefix: ['city', city] })) {
    const person = (await reader.get(['person', key[2] ?? '']))?.value;
    if (person) yield person;
  }
}
