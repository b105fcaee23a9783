// Tests of the pages that the server writes to be read: they grow beside the editor, which keeps the keyboard.

import { Failure, waitFor } from "./room.ts";
import { READY } from "./screen.ts";
import { scriptedServer } from "./scripted.ts";
import type { Start, Workbench } from "./workbench.ts";

const FOLDER = "file:///tmp/infill-ls";

const LIST = `def evens(numbers):
    """Returns the even ones."""
    return [number for number in numbers if number % 2 == 0]


def total(numbers):
    """Returns the sum."""
    amount = 0
    for number in numbers:
        amount += number
    return amount
`;

function page(name: string, text: string, done = false): object {
  const [title = name] = name.split(".");
  return { method: "infill/page", params: { uri: `${FOLDER}/${name}`, title, text, done } };
}

/** What the scripted server sends after each key. */
const SAYS = [
  [page("One.md", "# Heading\n\nIt is a")],
  [page("One.md", "# Heading\n\nIt is a `list`:\n\n- first")],
  [page("Two.md", "Another text")],
  [page("One.md", "# Heading\n\nIt is a `list`:\n\n- first\n- second\n", true), page("Two.md", "Another text grows")],
  [page("Two.md", "Another text grows on")],
  [page("Two.md", "Another text grows on.\n", true)],
  [page("Three.py", "def three():\n")],
  [page("Three.py", "def three():\n    return 3\n", true)],
  [page("One.md", "The same title again, <script>alert(1)</script> and ![](https://example.org/a.png)\n", true)],
];

/** Types a key into the file, where the keyboard must be still. */
async function key(code: Workbench, typed: string): Promise<void> {
  await code.type("x");
  await code.expectLine(3, typed);
}

async function expectTabs(code: Workbench, wanted: string[]): Promise<void> {
  let tabs: string[] = [];
  await waitFor(`the tabs ${wanted.join()}`, async () => {
    tabs = await code.tabs();
    return tabs.join() === wanted.join();
  }).catch((error: unknown) => {
    throw new Failure(`${String(error)}; they are ${tabs.join()}`);
  });
}

/** Two pages at once, one closed while it grows, one of code, and the same title again. */
export async function pagesGrow(start: Start): Promise<void> {
  const code = await start({
    files: { "add.py": "def add(a, b):\n    return a + b\n\n" },
    machineSettings: { "infill-ls.server.path": scriptedServer("notifying.ts", JSON.stringify(SAYS)) },
  });
  await code.openFile("add.py");
  await code.waitForStatus(READY);
  await code.goToEndOfLine(3);
  await key(code, "x");
  await code.expectPage(/Heading\s+It is a$/);
  await code.picture("begun");
  await key(code, "xx");
  await code.expectPage(/It is a list:\s+first$/);
  await key(code, "xxx");
  await code.expectPage(/^Another text$/);
  await expectTabs(code, ["add.py", "One", "Two"]);
  await key(code, "xxxx");
  await code.expectPage(/^Another text grows$/);

  // It is looked at while another is in front, and is whole.
  await code.page.locator(".tab", { hasText: "One" }).click();
  await code.expectPage(/first\s+second$/);
  await code.picture("whole");
  await code.page.locator(".tab", { hasText: "Two" }).click();
  await code.expectPage(/^Another text grows$/);
  await code.closeTab("Two");
  await expectTabs(code, ["add.py", "One"]);
  await code.page.locator(".editor-instance .view-lines").first().click();
  await code.goToEndOfLine(3);
  await key(code, "xxxxx");
  await key(code, "xxxxxx");
  await key(code, "xxxxxxx");
  await waitFor("the code", async () => (await code.linesBeside()).includes("def three():"));
  await expectTabs(code, ["add.py", "One", "Three.py"]);
  await key(code, "xxxxxxxx");
  await waitFor("the rest of the code", async () => (await code.linesBeside()).includes("    return 3"));
  await code.picture("code");
  await key(code, "xxxxxxxxx");
  await code.expectPage(/^The same title again/);
  await expectTabs(code, ["add.py", "One", "Three.py"]);
  await code.picture("again");
}

/** With the real model: an explanation is read while it is written, and one types on meanwhile. */
export async function pagesWritten(start: Start): Promise<void> {
  const code = await start({ files: { "list.py": LIST }, width: 1200, height: 760 });
  await code.typeAt("list.py", 1, "");
  await code.command("infill-ls: Code Actions at the Cursor…");
  await code.page.locator(".quick-input-title", { hasText: "code actions at the cursor" }).waitFor();
  await code.type("beginner", 0);
  await code.page.locator(".quick-input-list .monaco-list-row.focused", { hasText: "Explain `evens`" }).waitFor();
  await code.press("Enter");
  const first = await code.expectPage(/\w/);
  const lengths = new Set([first.length]);
  await code.goToEndOfLine(5);
  for (const character of "# typed meanwhile") {
    await code.type(character);
    lengths.add((await code.pages())[0]?.length ?? 0);
  }
  await code.picture("growing");
  await code.waitForWork();
  lengths.add((await code.pages())[0]?.length ?? 0);
  await code.picture("whole");
  console.log(`seen at ${lengths.size} lengths: ${[...lengths].join(", ")}`);
  if (lengths.size < 4) {
    throw new Failure("it did not grow");
  }
  await code.expectLine(5, "# typed meanwhile");
  await expectTabs(code, ["list.py", "Explanation of `evens`"]);
}
