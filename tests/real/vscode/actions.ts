// Tests of each code action and command, once, with the real model. What the model writes differs from one CPU to the next,
// so it is its shape that is looked at: the text changes and parses, one undo brings the old one back, a page opens. Requests
// and results are kept as text in transcripts/vscode, beside the pictures.

import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Failure, PICTURES, waitFor } from "./room.ts";
import { READY } from "./screen.ts";
import type { Start, Workbench } from "./workbench.ts";

const TRANSCRIPTS = join(dirname(PICTURES), "transcripts", "vscode");

const WORDS = "# count_words(text): returns how many words the text has.\n\n\nprint(count_words('one two three'))\n";

const PALINDROME = 'def is_palindrome(text: str) -> bool:\n    pass\n\n\nprint(is_palindrome("level"))\n';

const SQUARES = `def f(xs):
    result = []
    for x in xs:
        if x % 2 == 0:
            result.append(x * x)
    return result


def total(values):
    amount = 0
    for value in values:
        amount = amount + value
    return amount
`;

const LARGEST = `function largest(numbers) {
  let found = numbers[0];
  for (const number of numbers) {
    if (number > found) {
      found = number;
    }
  }
  return found;
}
`;

/** What VS Code's own checker of TypeScript finds fault with. */
const MEAN = `export function mean(numbers: number[]): number {
  const total = numbers.reduce((sum, value) => sum + value, 0);
  return total / number.length;
}
`;

const TALL = { height: 760 };

/** Keeps what was asked and what came, as text. */
function keep(label: string, text: string, request: string, result: string): void {
  mkdirSync(TRANSCRIPTS, { recursive: true });
  writeFileSync(join(TRANSCRIPTS, `${label}.txt`), `${text}\nasked: ${request}\n\n${result.trimEnd()}\n`);
}

function expectPython(text: string): void {
  try {
    execFileSync("python3", ["-c", "import ast, sys; ast.parse(sys.stdin.read())"], { input: text, stdio: "pipe" });
  } catch {
    throw new Failure(`this does not parse:\n${text}`);
  }
}

/** Opens a file, and goes to a line. */
async function open(code: Workbench, name: string, line: number): Promise<void> {
  await code.typeAt(name, line, "");
}

/** Chooses a code action from the light bulb's menu. */
async function choose(code: Workbench, title: string, picture?: string): Promise<void> {
  const action = code.page.locator(".action-widget .monaco-list-row", { hasText: title }).first();
  await waitFor(`the action ${title}`, async () => {
    // A language server that starts in the meantime closes the menu.
    await code.press("Escape", "Control+.");
    return action.waitFor({ timeout: 4000 }).then(
      () => true,
      () => false,
    );
  });
  if (picture !== undefined) {
    await code.picture(picture);
  }
  await action.click();
}

/** Returns the text of the file in front, which must be short enough to be on the screen. */
async function text(code: Workbench): Promise<string> {
  return (await code.lines()).join("\n").trimEnd() + "\n";
}

/** Waits for the text to change, takes a picture, and undoes it. Returns the new text. */
async function changed(
  code: Workbench,
  before: string,
  label: string,
  request: string,
  withoutGhost = false,
): Promise<string> {
  const after = await waitFor(
    "the text to change",
    async () => {
      const now = await text(code);
      return now === before ? undefined : now;
    },
    90_000,
  );
  await code.waitForStatus(READY);
  await code.picture(label);
  // What was suggested for the text before would be there twice.
  const ghost = await code.ghostText();
  if (withoutGhost && ghost !== "") {
    throw new Failure(`there is still the grey text ${JSON.stringify(ghost)}`);
  }
  keep(label, before, request, after);
  await code.page.locator(".monaco-editor .view-lines").first().click();
  await code.press("Control+z");
  await waitFor("one undo to bring the old text back", async () => (await text(code)) === before);
  return after;
}

/** Waits for a page to open in a tab beside the editor, and to be whole; takes a picture, and closes it. */
async function page(code: Workbench, title: string, label: string, before: string, request: string): Promise<void> {
  await code.page.locator(".tab.active", { hasText: title }).waitFor({ timeout: 90_000 });
  const shown = await code.expectPage(/\w{3}/);
  await code.waitForWork();
  await code.picture(label);
  keep(label, before, request, (await code.pages())[0] ?? shown);
  await code.closeTab(title);
}

/** Waits for code to open in a tab beside the editor, and takes a picture. Returns it, as far as it is on the screen. */
async function codePage(code: Workbench, tab: RegExp, label: string, before: string, request: string): Promise<string> {
  await code.page.locator(".tab.active", { hasText: tab }).waitFor({ timeout: 90_000 });
  const shown = await waitFor("the code", async () => {
    const now = (await code.linesBeside()).join("\n").trimEnd() + "\n";
    return now.trim().length > 20 ? now : undefined;
  });
  await code.waitForStatus(READY);
  await code.picture(label);
  keep(label, before, request, shown);
  return shown;
}

/** Waits for another file to be opened, and takes a picture. Returns its text, as far as it is on the screen. */
async function opened(code: Workbench, tab: RegExp, label: string, before: string, request: string): Promise<string> {
  await code.page.locator(".tab.active", { hasText: tab }).waitFor({ timeout: 90_000 });
  const shown = await waitFor("its text", async () => {
    const now = await text(code);
    return now.trim().length > 20 && now !== before ? now : undefined;
  });
  await code.waitForStatus(READY);
  await code.picture(label);
  keep(label, before, request, shown);
  return shown;
}

/** Functions from a comment, and in an empty body. */
export async function actionsWrite(start: Start): Promise<void> {
  const code = await start({ files: { "words.py": WORDS, "palindrome.py": PALINDROME }, ...TALL });
  await open(code, "words.py", 1);
  await choose(code, "Write the function this comment describes", "menu");
  const written = await changed(code, WORDS, "write-from-comment", "Write the function this comment describes");
  expectPython(written);
  await open(code, "palindrome.py", 1);
  await choose(code, "Fill in this body");
  expectPython(await changed(code, PALINDROME, "fill-in-body", "Fill in this body"));
}

/** A fault that VS Code's own TypeScript server finds is mended. */
export async function actionsMend(start: Start): Promise<void> {
  const code = await start({ files: { "mean.ts": MEAN }, ...TALL });
  await open(code, "mean.ts", 3);
  await code.page.locator(".squiggly-error").first().waitFor({ timeout: 60_000 });
  // To the word that it says is wrong.
  await code.press("F8", "Escape");
  await choose(code, "Mend: ", "quick-fix");
  await changed(code, MEAN, "mend", "Mend: the error that TypeScript reports", true);
}

/** Document, name better, simplify with its changes to be confirmed, and write tests. */
export async function actionsChange(start: Start): Promise<void> {
  const code = await start({ files: { "squares.py": SQUARES }, ...TALL });
  await open(code, "squares.py", 1);
  await choose(code, "Document");
  expectPython(await changed(code, SQUARES, "document", "Document `f`"));

  await code.goToEndOfLine(1);
  await code.press("Home", "Control+ArrowRight", "ArrowRight");
  await choose(code, "Name `f` better");
  expectPython(await changed(code, SQUARES, "name-better", "Name `f` better"));

  await code.goToEndOfLine(9);
  await choose(code, "Simplify");
  await confirm(code, "simplify-preview", "Apply");
  expectPython(await changed(code, SQUARES, "simplify", "Simplify `total`, then Apply"));

  await code.goToEndOfLine(1);
  await choose(code, "Write tests");
  const tests = await opened(code, /test_squares/, "write-tests", SQUARES, "Write tests for `f`");
  if (!tests.includes("def test_")) {
    throw new Failure(tests);
  }
  expectPython(tests);
}

/** Explanations, a translation and an answer open as pages. */
export async function actionsRead(start: Start): Promise<void> {
  const code = await start({ files: { "squares.py": SQUARES, "largest.js": LARGEST }, ...TALL });
  await open(code, "squares.py", 1);
  await choose(code, "Explain `f`");
  await page(code, "Explanation of `f`", "explain", SQUARES, "Explain `f`");

  await open(code, "squares.py", 1);
  await choose(code, "Explain `f` to a beginner");
  await page(code, "Explanation of `f`", "explain-to-beginner", SQUARES, "Explain `f` to a beginner");

  await open(code, "squares.py", 1);
  await code.command("infill-ls: Ask…");
  await code.page.locator(".quick-input-title", { hasText: "ask about squares.py" }).waitFor();
  await code.type("What does f return for an empty list?", 0);
  await code.picture("question");
  await code.press("Enter");
  await page(code, "What does f", "ask", SQUARES, "infill-ls: Ask…, What does f return for an empty list?");

  await open(code, "largest.js", 1);
  await choose(code, "Translate");
  expectPython(await codePage(code, /\.py/, "translate", LARGEST, "Translate `largest` to Python"));
}

/** An edit as told is shown before it is made, and can be thrown away or taken. */
export async function actionsTold(start: Start): Promise<void> {
  const code = await start({ files: { "squares.py": SQUARES }, ...TALL });
  await open(code, "squares.py", 9);
  await code.press("Home", "Shift+Control+End");
  await tell(code, "use the built-in function sum");
  await confirm(code, "edit-as-told", "Discard");
  if ((await text(code)) !== SQUARES) {
    throw new Failure(`it was thrown away, and the text is\n${await text(code)}`);
  }
  await open(code, "squares.py", 9);
  await code.press("Home", "Shift+Control+End");
  await tell(code, "use the built-in function sum");
  await confirm(code, "edit-as-told", "Apply");
  expectPython(await changed(code, SQUARES, "edited", "infill-ls: Edit as Told…, use the built-in function sum"));
}

async function tell(code: Workbench, instruction: string): Promise<void> {
  await code.command("infill-ls: Edit as Told…");
  await code.page.locator(".quick-input-title", { hasText: "edit the selection" }).waitFor();
  await code.type(instruction, 0);
  await code.press("Enter");
}

/** Waits for the changes that are to be confirmed, and presses one of the buttons there. */
async function confirm(code: Workbench, label: string, button: "Apply" | "Discard"): Promise<void> {
  const pressed = code.page.locator(".refactor-preview .monaco-button, .bulk-edit-panel .monaco-button", {
    hasText: button,
  });
  await pressed.first().waitFor({ timeout: 90_000 });
  if (button === "Apply") {
    // What asks to be confirmed is not ticked. The first box is the file's, and so ticks all its changes.
    await code.page.locator(".edit-checkbox").first().click();
  }
  await code.picture(label);
  await pressed.first().click();
}
