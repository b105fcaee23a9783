// Makes the pictures of the READMEs: a few, and one that moves, of real typing. Not a test; run by hand after the extension
// is installed (tests/real/run.py vscode_install), since it writes into editors/vscode/media:
//
//     node tests/real/vscode/film.ts
//
// The pictures are put together by tests/real/film.py, with Debian's own Python, which has Pillow.

import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY, scratch, waitFor } from "./room.ts";
import { READY } from "./screen.ts";
import { Workbench } from "./workbench.ts";

const MEDIA = join(REPOSITORY, "editors/vscode/media");
/** What of the window is shown: the editor and the status bar, without the side bar. */
const CLIP = { x: 303, y: 32, width: 697, height: 390 };

const START = `class Account:
    def __init__(self, owner, balance=0):


    def deposit(self, amount):
        self.balance += amount
        return self.balance

`;

const code = await Workbench.start({
  name: "film",
  files: { "account.py": START },
  // What the editor would close by itself is for the model to write here.
  settings: { "editor.autoClosingBrackets": "never", "editor.stickyScroll.enabled": false },
  height: 490,
});
const frames: { path: string; at: number }[] = [];
const folder = scratch("film-frames");
let running = true;

/** Takes a picture whenever the last one is done: as fast as this machine can. */
async function record(): Promise<void> {
  while (running) {
    const path = join(folder, `${String(frames.length).padStart(4, "0")}.png`);
    frames.push({ path, at: Date.now() });
    await code.page.screenshot({ path, clip: CLIP });
  }
}

const pause = (ms: number) => new Promise((resume) => setTimeout(resume, ms));

try {
  await code.openFile("account.py");
  await code.waitForStatus(READY);
  await waitFor("an empty corner", async () => (await code.notifications()).length === 0);
  await code.goToEndOfLine(3);
  // Who opens a file reads a little before typing, and meanwhile the file is computed.
  await pause(3000);
  const recording = record();
  await code.type("        ", 60);
  await code.suggestion();
  await pause(900);
  await code.page.screenshot({ path: join(MEDIA, "ghost-text.png"), clip: CLIP });
  await code.press("Tab");
  await pause(500);
  await code.goToEndOfLine(8);
  await pause(300);
  await code.press("Enter");
  await pause(300);
  await code.press("Enter", "Backspace");
  await code.type("def withdraw(self, ", 90);
  await code.suggestion();
  await pause(700);
  for (let word = 0; word < 2; word += 1) {
    await code.press("Control+ArrowRight");
    await pause(500);
  }
  await code.press("Tab");
  await pause(500);
  // The body may be suggested at once, or from its first line on.
  while (!(await code.lines()).some((line) => line.includes("balance -="))) {
    if ((await code.ghostText()) === "") {
      await code.press("Enter");
    }
    await code.suggestion();
    await pause(900);
    await code.press("Tab");
    await pause(900);
  }
  running = false;
  await recording;
} finally {
  running = false;
  await code.close();
}
writeFileSync(join(folder, "frames.json"), JSON.stringify(frames));
execFileSync("/usr/bin/python3", [join(REPOSITORY, "tests/real/film.py"), folder, join(MEDIA, "typing.png")], {
  stdio: "inherit",
});
