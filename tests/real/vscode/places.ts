// Tests of where it works: several folders, files without a name, notebooks, workspaces that are not trusted; and that it
// stays away from what is no code.

import { Failure } from "./room.ts";
import { READY } from "./screen.ts";
import type { Start } from "./workbench.ts";

const PYTHON_ADD = "def add(a, b):\n\nprint(add(2, 3))\n";

/** A workspace of two folders: one server for both. */
export async function twoFolders(start: Start): Promise<void> {
  const workspace = JSON.stringify({
    folders: [{ path: "one" }, { path: "two" }],
  });
  const files = {
    "both.code-workspace": workspace,
    "one/add.py": PYTHON_ADD,
    "two/sum.py": PYTHON_ADD,
  };
  const code = await start({ files, workspace: "both.code-workspace" });
  for (const name of ["add.py", "sum.py"]) {
    await code.typeAt(name, 2, "    return a");
    await code.suggestion();
  }
  await code.picture("two-folders");
  if (code.servers().length !== 1) {
    throw new Failure(`there are ${code.servers().length} servers`);
  }
}

/** A file without a name, as the first steps open it. */
export async function untitled(start: Start): Promise<void> {
  const code = await start({ files: {} });
  await code.waitForStatus(READY);
  await code.command("infill-ls: Try It in a New File");
  await code.page.waitForSelector(".tab.active.dirty");
  await code.page.locator(".statusbar-item", { hasText: "Ln 9, Col 11" }).waitFor();
  const { typed, ghost } = await code.typeUntilSuggestion(" 2 * (");
  await code.picture("untitled");
  await code.press("Tab");
  await code.expectLine(9, `    return${typed}${ghost}`);
}

/** A cell of a notebook. */
export async function notebook(start: Start): Promise<void> {
  const cell = {
    cell_type: "code",
    execution_count: null,
    metadata: {},
    outputs: [],
    source: ["def add(a, b):\n", "    return"],
  };
  const text = JSON.stringify({
    cells: [cell],
    metadata: { language_info: { name: "python" } },
    nbformat: 4,
    nbformat_minor: 5,
  });
  const code = await start({ files: { "add.ipynb": text } });
  await code.waitForStatus(READY);
  await code.openNotebook("add.ipynb");
  await code.press("Control+End");
  await code.type(" a");
  await code.suggestion();
  await code.picture("notebook");
}

/** A folder that is not trusted: suggestions work, and the program that its settings name is not run. */
export async function restricted(start: Start): Promise<void> {
  const settings = {
    "infill-ls.server.path": "/nowhere/infill-ls",
    "infill-ls.model": "/nowhere/model.gguf",
  };
  const code = await start({
    files: {
      "add.py": PYTHON_ADD,
      ".vscode/settings.json": JSON.stringify(settings),
    },
    settings: {
      "security.workspace.trust.enabled": true,
      "security.workspace.trust.startupPrompt": "never",
    },
  });
  await code.page.locator(".statusbar-item", { hasText: "Restricted Mode" }).waitFor();
  await code.typeAt("add.py", 2, "    return a");
  await code.suggestion();
  await code.picture("restricted");
}

/** What is typed elsewhere, here in the search box and the output panel, is not the server's business. */
export async function elsewhere(start: Start): Promise<void> {
  const code = await start({ files: { "add.py": PYTHON_ADD } });
  await code.typeAt("add.py", 2, "    return a");
  await code.suggestion();
  const before = await code.waitForStatus(READY);
  await code.press("Control+Shift+f");
  await code.type("add");
  await code.page.locator(".search-view .monaco-list-row").first().waitFor();
  const after = await code.status();
  if (after !== before) {
    throw new Failure(`the status was ${before} and is ${after}`);
  }
}
