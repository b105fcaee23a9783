// How long a person waits: from a key to the grey text on the screen, and how much of that is not the server's.

import { recorded, startRecorder } from "./recorded.ts";
import { Failure, waitFor } from "./room.ts";
import { READY } from "./screen.ts";
import type { Start } from "./workbench.ts";

/**
 * What the editor may add in the middle. VS Code itself waits 50 ms for the next key, and its extensions run in a process
 * of their own; a busy machine adds the rest.
 */
const MOST_MS = 400;

const START = `class Stack:
    def __init__(self):
        self.items = []

    def push(self, item):
        self.items.append(item)

    def is_empty(self):

`;

/** Lines that are typed; after each there is something to suggest. */
const LINES = ["return len(", "return self.", "return not ", "if len(self", "print(self"];

/** The time from a key to grey text on the screen is the server's time and little more. */
export async function latency(start: Start): Promise<void> {
  const { program, record } = startRecorder();
  const code = await start({
    files: { "stack.py": START },
    machineSettings: { "infill-ls.server.path": program },
  });
  await code.openFile("stack.py");
  await code.waitForStatus(READY);
  await code.goToEndOfLine(9);
  const all: number[] = [];
  const added: number[] = [];
  for (const line of LINES) {
    await code.type(`        ${line.slice(0, -1)}`, 40);
    await code.press("Escape");
    await waitFor("an empty screen", async () => (await code.ghostText()) === "");
    const { pressed, shown } = await code.timeToGhostText(line.slice(-1)).catch(() => ({ pressed: 0, shown: 0 }));
    if (shown > 0) {
      const lines = recorded(record);
      const answered = lines.findLast(({ items = [], at = 0 }) => items.length > 0 && at >= pressed && at <= shown);
      const asked = lines.find(({ asked: id }) => id !== undefined && id === answered?.answered);
      // What was known already is drawn without asking.
      const server = (answered?.at ?? 0) - (asked?.at ?? 0);
      all.push(shown - pressed);
      added.push(shown - pressed - server);
    }
    // The line is emptied, from its end to the first character and then to its beginning.
    await code.press("Escape", "End", "Shift+Home", "Shift+Home", "Delete");
  }
  const middle = (times: number[]) => [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? Infinity;
  console.log(`key to grey text: ${all.join(", ")} ms, of it not the server's: ${added.join(", ")} ms`);
  if (added.length < 2 || middle(added) > MOST_MS) {
    throw new Failure(
      `${added.length} of ${LINES.length} were shown, and the editor added ${middle(added)} ms in the middle`,
    );
  }
}
