// Tests of what happens under the fingers: ghost text, accepting it whole and in parts, other candidates, code actions.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { Failure, waitFor } from "./room.ts";
import type { Start } from "./workbench.ts";

const PYTHON_ADD = "def add(a, b):\n\nprint(add(2, 3))\n";

const TYPESCRIPT_AREA =
  "/** Returns the area of a rectangle. */\nfunction area(width: number, height: number): number {\n\n}\n\nconsole.log(area(3, 4));\n";

const PYTHON_TOTAL = "numbers = [1, 2, 3]\ntotal = 0\nfor number in numbers:\n\nprint(total)\n";

/** There is more than one way to do this. */
const PYTHON_GREET = "def greet(name):\n\n";

const PYTHON_CLASS =
  "class Account:\n    def __init__(self, owner, balance=0):\n\n\n    def deposit(self, amount):\n        self.balance += amount\n        return self.balance\n";

const PYTHON_COMMENT =
  "# is_even(n): returns True if the number n is even, and False if it is odd.\n\n\nprint(is_even(4), is_even(7))\n";

/** Fails unless the program prints exactly this. */
function expectOutput(program: string, path: string, expected: string): void {
  const output = execFileSync(program, [path], {
    encoding: "utf8",
    timeout: 60_000,
  }).trim();
  if (output !== expected) {
    throw new Failure(`${path} prints ${JSON.stringify(output)} instead of ${JSON.stringify(expected)}`);
  }
}

/** Ghost text appears while a Python function is typed; Tab accepts it; the program is right. */
export async function pythonAccept(start: Start): Promise<void> {
  const code = await start({ files: { "add.py": PYTHON_ADD } });
  await code.typeAt("add.py", 2, "    return a");
  const ghost = await code.suggestion();
  await code.picture("ghost-text");
  await code.press("Tab");
  await code.expectLine(2, `    return a${ghost}`);
  await code.picture("accepted");
  await code.saved("add.py");
  expectOutput("python3", join(code.folder, "add.py"), "5");
}

/** The same in TypeScript, with VS Code's own TypeScript server beside us. */
export async function typescriptAccept(start: Start): Promise<void> {
  const code = await start({ files: { "area.ts": TYPESCRIPT_AREA } });
  await code.typeAt("area.ts", 3, "  return width ");
  const ghost = await code.suggestion();
  await code.picture("ghost-text");
  await code.press("Tab");
  await code.expectLine(3, `  return width ${ghost.trimStart()}`);
  await code.picture("accepted");
  await code.saved("area.ts");
  expectOutput(process.execPath, join(code.folder, "area.ts"), "12");
}

/** Ctrl+Right accepts a word, and the rest of the suggestion stays on the screen. */
export async function acceptWord(start: Start): Promise<void> {
  const code = await start({ files: { "total.py": PYTHON_TOTAL } });
  const typed = "    total =";
  await code.typeAt("total.py", 4, typed);
  const ghost = (await code.suggestion()).split("\n")[0] ?? "";
  await code.picture("before");
  await code.press("Control+ArrowRight");
  const line = await waitFor("a word", async () => {
    const now = await code.line(4);
    return now === typed ? undefined : now;
  });
  const rest = await waitFor("the rest", async () => (await code.ghostText()).split("\n")[0]);
  await code.picture("rest");
  if (line + rest !== typed + ghost || !rest || line === typed + ghost) {
    throw new Failure(
      `of ${JSON.stringify(ghost)} ${JSON.stringify(line)} is there and ${JSON.stringify(rest)} is grey`,
    );
  }
}

/** Alt+End accepts a line of a longer suggestion, and the rest stays on the screen. */
export async function acceptLine(start: Start): Promise<void> {
  const code = await start({ files: { "account.py": PYTHON_CLASS } });
  await code.typeAt("account.py", 3, "        ");
  const ghost = await waitFor("ghost text of several lines", async () => {
    const text = await code.ghostText();
    return /^\S.*\n/.test(text) ? text : undefined;
  });
  await code.picture("before");
  await code.press("Alt+End");
  const [first = "", ...more] = ghost.split("\n");
  await code.expectLine(3, `        ${first}`);
  const rest = await code.suggestion();
  await code.picture("rest");
  if (
    !more
      .join("\n")
      .trim()
      .includes(rest.trim().split("\n")[0] ?? "")
  ) {
    throw new Failure(`of ${JSON.stringify(ghost)} the rest on the screen is ${JSON.stringify(rest)}`);
  }
}

/** Who types what is suggested sees the suggestion become shorter, at every key, and never sees it go. */
export async function typeAlong(start: Start): Promise<void> {
  const code = await start({ files: { "area.ts": TYPESCRIPT_AREA } });
  await code.typeAt("area.ts", 3, "  return width ");
  let ghost = await code.suggestion();
  await code.watchGhostText();
  for (const key of ghost.slice(0, 6)) {
    await code.type(key);
    const rest = ghost.slice(1);
    await waitFor(`${JSON.stringify(rest)} to stay`, async () => (await code.ghostText()) === rest);
    ghost = rest;
  }
  await code.picture("typed-along");
  const seen = await code.seenGhostText();
  if (seen.includes("")) {
    throw new Failure(`the ghost text went away in between: ${JSON.stringify(seen)}`);
  }
}

/** Alt+] and Alt+[ show another candidate and the first one again. */
export async function cycle(start: Start): Promise<void> {
  const code = await start({ files: { "greet.py": PYTHON_GREET } });
  await code.typeAt("greet.py", 2, "    return ");
  const first = await code.suggestion();
  await code.picture("first");
  await code.press("Alt+]");
  const second = await waitFor("another candidate", async () => {
    const text = await code.ghostText();
    return text === first ? undefined : text;
  });
  await code.picture("second");
  await code.press("Alt+[");
  await waitFor("the first candidate", async () => (await code.ghostText()) === first);
  await code.press("Alt+]");
  await waitFor("the second candidate", async () => (await code.ghostText()) === second);
  await code.press("Tab");
  await code.expectLine(2, `    return ${second.split("\n")[0] ?? ""}`);
}

/** Escape puts the suggestion away, and Tab is Tab again. */
export async function dismiss(start: Start): Promise<void> {
  const code = await start({ files: { "add.py": PYTHON_ADD } });
  await code.typeAt("add.py", 2, "    return a");
  await code.suggestion();
  await code.press("Escape");
  await waitFor("the suggestion to go", async () => (await code.ghostText()) === "");
  await code.press("Tab");
  await code.expectLine(2, "    return a    ");
}

/** A key right behind Tab lands after the accepted text: nothing lost, nothing doubled. */
export async function typeBehindAccept(start: Start): Promise<void> {
  const code = await start({ files: { "add.py": PYTHON_ADD } });
  await code.typeAt("add.py", 2, "    return a");
  const ghost = await code.suggestion();
  await code.press("Tab");
  await code.type("  # yes", 0);
  await code.expectLine(2, `    return a${ghost}  # yes`);
}

/** The light bulb writes a function from its comment, and the function passes the calls in the file. */
export async function lightBulb(start: Start): Promise<void> {
  const code = await start({ files: { "even.py": PYTHON_COMMENT } });
  await code.typeAt("even.py", 1, "");
  await code.press("Home", "Control+.");
  const action = code.page.locator(".action-widget .monaco-list-row", {
    hasText: "Write the function",
  });
  await action.waitFor();
  await code.picture("light-bulb");
  await action.click();
  await waitFor("a function", async () => (await code.lines()).some((line) => line.startsWith("def is_even")), 60_000);
  await code.picture("written");
  await code.saved("even.py");
  expectOutput("python3", join(code.folder, "even.py"), "True False");
}

/** The palette does the same, and says so where there is nothing to do. */
export async function paletteCodeAction(start: Start): Promise<void> {
  const code = await start({ files: { "even.py": PYTHON_COMMENT } });
  await code.typeAt("even.py", 4, "");
  await code.command("infill-ls: Code Actions at the Cursor");
  await code.notification(/nothing to do here/);
  await code.goToEndOfLine(1);
  await code.command("infill-ls: Code Actions at the Cursor");
  await waitFor("a function", async () => (await code.lines()).some((line) => line.startsWith("def is_even")), 60_000);
  await code.saved("even.py");
  expectOutput("python3", join(code.folder, "even.py"), "True False");
}
