// How long a person waits: from a key to the grey text on the screen, and how much of that is not the server's.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { recorded, startRecorder } from "./recorded.ts";
import { Failure, REPOSITORY, scratch, waitFor } from "./room.ts";
import { READY } from "./screen.ts";
import { CODE_SERVER, type Start, type Workbench } from "./workbench.ts";

const CONTROL = join(import.meta.dirname, "control");
const VSCE = join(REPOSITORY, "editors/vscode/node_modules/@vscode/vsce/vsce");

/** What the extension may add to the server's time and to VS Code's own, in the middle, in ms. */
const MOST_MS = 30;

/** How long VS Code waits for another key before it asks. */
const VSCODE_WAITS_MS = 50;

const START = `class Stack:
    def __init__(self):
        self.items = []

    def push(self, item):
        self.items.append(item)

    def is_empty(self):

`;

/** Lines that are typed; after each there is something to suggest. */
const LINES = [
  "return len(",
  "return self.",
  "return not ",
  "if len(self",
  "print(self",
  "for item in ",
  "self.items = ",
];
const ROUNDS = 3;

/**
 * The time from a key to grey text on the screen is the server's time, VS Code's own, and little more. VS Code's own is
 * measured with an extension that answers at once: it waits 50 ms for the next key, asks the process of the extensions, and
 * draws. During that wait our server computes already.
 */
export async function latency(start: Start): Promise<void> {
  const control = await controlTimes(start);
  const { program, record } = startRecorder();
  const code = await start({
    files: { "stack.py": START },
    machineSettings: { "infill-ls.server.path": program },
  });
  await code.openFile("stack.py");
  await code.waitForStatus(READY);
  const all: number[] = [];
  const added: number[] = [];
  const computed: number[] = [];
  for (const { pressed, shown } of await times(code)) {
    const lines = recorded(record);
    const answered = lines.findLast(({ items = [], at = 0 }) => items.length > 0 && at >= pressed && at <= shown);
    const asked = lines.find(({ asked: id }) => id !== undefined && id === answered?.answered);
    // What was known already is drawn without asking.
    const server = (answered?.at ?? 0) - (asked?.at ?? 0);
    all.push(shown - pressed);
    added.push(shown - pressed - server);
    if (server >= VSCODE_WAITS_MS) {
      computed.push(shown - pressed - server);
    }
  }
  const own = middle(added) - middle(control);
  console.log(`key to grey text: ${spread(all)}; of it not the server's: ${spread(added)}`);
  console.log(`where the server computed for longer than VS Code waits: ${spread(computed)} not the server's`);
  console.log(`with an extension that answers at once: ${spread(control)}; ours adds ${own} ms in the middle`);
  if (added.length < 2 || control.length < 2 || own > MOST_MS) {
    throw new Failure(
      `${added.length} of ${LINES.length * ROUNDS} were shown, and the extension added ${own} ms in the middle`,
    );
  }
}

/** Returns the times with the extension that answers at once. */
async function controlTimes(start: Start): Promise<number[]> {
  const folder = scratch("control");
  const [extensions, vsix] = [join(folder, "extensions"), join(folder, "control.vsix")];
  const run = (...words: string[]) => execFileSync(process.execPath, words, { cwd: CONTROL, stdio: "pipe" });
  run(VSCE, "package", "--allow-missing-repository", "--skip-license", "--out", vsix);
  run(
    CODE_SERVER,
    "--extensions-dir",
    extensions,
    "--user-data-dir",
    join(folder, "data"),
    "--install-extension",
    vsix,
  );
  const code = await start({ files: { "stack.py": START }, extensions });
  await code.openFile("stack.py");
  await code.page.locator(".statusbar-item", { hasText: "control is here" }).waitFor();
  const all = await times(code);
  await code.close();
  return all.map(({ pressed, shown }) => shown - pressed);
}

/** Types the lines, and returns for each when its last key was pressed and when there was grey text. */
async function times(code: Workbench): Promise<{ pressed: number; shown: number }[]> {
  const found = [];
  await code.goToEndOfLine(9);
  for (const line of Array.from({ length: ROUNDS }, () => LINES).flat()) {
    await code.type(`        ${line.slice(0, -1)}`, 40);
    // What was asked for before the last key may come now.
    await waitFor("an empty screen", async () => {
      await code.press("Escape");
      return (await code.ghostText()) === "";
    });
    const time = await code.timeToGhostText(line.slice(-1)).catch(() => undefined);
    if (time !== undefined) {
      found.push(time);
    }
    // The line is emptied, from its end to the first character and then to its beginning.
    await code.press("Escape", "End", "Shift+Home", "Shift+Home", "Delete");
  }
  return found;
}

function spread(values: number[]): string {
  const last = [...values].sort((a, b) => a - b)[Math.floor(values.length * 0.95)];
  return `${values.length} times, middle ${middle(values)} ms, 95 % within ${last ?? Infinity} ms`;
}

function middle(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Infinity;
}
