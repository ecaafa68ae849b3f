/** The page: what was typed goes into the store, and what is shown comes out of it, by its watch or from its past. */
import { open } from '@varve/kv/memory';
import { codecs, Notes } from './notes.ts';

function byId<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new TypeError(`the page has no ${id}`);
  return found;
}

const kv = await open(undefined, codecs);
const notes = new Notes(kv);
const list = byId('notes', HTMLUListElement);
const slider = byId('time', HTMLInputElement);
const when = byId('when', HTMLOutputElement);
const log = byId('log', HTMLOListElement);
const undo = byId('undo', HTMLButtonElement);

/** The newest revision is followed, until somebody looks at another one. */
let following = true;

async function show(): Promise<void> {
  const { revision: present } = await kv.status();
  slider.max = String(present);
  if (following) slider.value = String(present);
  const revision = Number(slider.value);
  when.value = following ? `now (revision ${present})` : `revision ${revision} of ${present}`;
  undo.disabled = notes.undoable === 0;
  const entries = await kv.at(revision).list({ prefix: 'note/' }).toArray();
  list.replaceChildren(
    ...entries.map(({ key, value }) => {
      const item = document.createElement('li');
      const text = document.createElement('span');
      text.textContent = value.text;
      text.className = value.done ? 'done' : '';
      text.onclick = () => void notes.toggle(key);
      const gone = document.createElement('button');
      gone.textContent = 'remove';
      gone.onclick = () => void notes.remove(key);
      item.append(text, gone);
      return item;
    }),
  );
}

slider.oninput = () => {
  following = slider.value === slider.max;
  void show();
};
undo.onclick = () => void notes.undo();
byId('back', HTMLButtonElement).onclick = () => {
  following = true;
  void notes.backTo(Number(slider.value)).then(show);
};
byId('add', HTMLFormElement).onsubmit = (event) => {
  event.preventDefault();
  const input = byId('text', HTMLInputElement);
  if (input.value !== '') void notes.add(input.value);
  input.value = '';
};

await show();
document.body.dataset['ready'] = 'yes';
for await (const { revision, events } of kv.watch({ prefix: 'note/' }).batches()) {
  for (const event of events) {
    const line = document.createElement('li');
    line.textContent = `${revision} ${event.type} ${event.key}${event.type === 'put' ? `: ${event.value.text}` : ''}`;
    log.prepend(line);
  }
  await show();
}
