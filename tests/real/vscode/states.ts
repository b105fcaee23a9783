// Tests of what the user is told: the status bar in each state, the menu, the pages, and what happens when the server or
// the model is not there.

import { rmSync } from "node:fs";
import { Failure, scratch, waitFor } from "./room.ts";
import { scriptedServer, silences } from "./scripted.ts";
import { READY } from "./screen.ts";
import type { Start } from "./workbench.ts";

const PYTHON_ADD = "def add(a, b):\n\nprint(add(2, 3))\n";

/** Paused in the window: silent, said so, and still answering who asks with a key; then resumed. */
export async function pause(start: Start): Promise<void> {
  const code = await start({ files: { "add.py": PYTHON_ADD } });
  await code.typeAt("add.py", 2, "    return ");
  await code.suggestion();
  await code.chooseInMenu("Pause", "in this window");
  await code.waitForStatus(/^debug-pause infill: paused$/);
  await code.picture("paused");
  await code.type("a");
  await code.expectLine(2, "    return a");
  if ((await code.ghostText()) !== "") {
    throw new Failure("there is grey text though it is paused");
  }
  await code.type(" +");
  await code.press("Alt+\\");
  await code.suggestion();
  await code.command("infill-ls: Resume");
  await code.waitForStatus(READY);
  await code.type(" ");
  await code.suggestion();
}

/** Paused for a language: the setting says so, the status too, and another language is not touched. */
export async function pauseForLanguage(start: Start): Promise<void> {
  const code = await start({
    files: { "add.py": PYTHON_ADD, "add.js": "function add(a, b) {\n\n}\n" },
  });
  await code.typeAt("add.py", 2, "    return ");
  await code.suggestion();
  await code.chooseInMenu("Switch Off for python");
  await code.waitForStatus(/^circle-slash infill: off here$/);
  await code.picture("off-here");
  await waitFor("the setting", () => code.userSettings()["infill-ls.disabled_languages"]?.toString() === "python");
  await code.typeAt("add.js", 2, "  return ");
  await code.suggestion();
  await code.openFile("add.py");
  await code.chooseInMenu("Switch On for python");
  await code.waitForStatus(READY);
}

/** A request that shows nothing leaves its reason in the status bar, and the tooltip says it in a sentence. */
export async function silence(start: Start): Promise<void> {
  const settings = { "infill-ls.max_file_bytes": 10 };
  const code = await start({ files: { "add.py": PYTHON_ADD }, settings });
  await code.typeAt("add.py", 2, "    return ");
  await code.waitForStatus(/^circle-slash infill: too-large$/);
  await code.statusItem().hover();
  await code.page.locator(".workbench-hover", { hasText: "larger than the setting" }).waitFor();
  await code.picture("why");
}

/** While it thinks longer than a moment the status bar turns. */
export async function thinking(start: Start): Promise<void> {
  const functions = Array.from(
    { length: 150 },
    (_, n) => `def step_${n}(state):\n    state["s${n}"] = ${n} * ${n + 1}\n    return state\n`,
  );
  const text = `${functions.join("\n\n")}\n\ndef last(state):\n\n`;
  const code = await start({ files: { "long.py": text } });
  await code.openFile("long.py");
  await code.waitForStatus(READY);
  await code.goToEndOfLine(text.slice(0, text.indexOf("def last")).split("\n").length + 1);
  // Asked for, there are several, which take a while.
  await code.press("Alt+\\");
  await code.waitForStatus(/^loading infill$/, 20_000);
  await code.picture("thinking");
  await code.waitForStatus(READY);
}

/** A killed server is started again and the user is told; the text typed meanwhile is known to the new one. */
export async function serverKilled(start: Start): Promise<void> {
  const code = await start({ files: { "add.py": PYTHON_ADD } });
  await code.typeAt("add.py", 2, "    return");
  const [first = 0] = code.servers();
  process.kill(first, "SIGKILL");
  await code.notification(/stopped by itself and is started again \(1 of 4\)/);
  await code.picture("restarted");
  await code.waitForStatus(READY);
  const [second = first] = code.servers();
  if (second === first) {
    throw new Failure("there is no new server");
  }
  await code.type(" a +");
  await code.suggestion();
}

/** A server that cannot stay alive is left alone after five times, with a button to start it again. */
export async function serverKeepsDying(start: Start): Promise<void> {
  const code = await start({ files: { "add.py": PYTHON_ADD } });
  await code.typeAt("add.py", 2, "    return");
  for (let times = 1; times <= 5; times += 1) {
    await code.waitForStatus(READY);
    const [server = 0] = await waitFor("a server", () => (code.servers().length === 1 ? code.servers() : undefined));
    process.kill(server, "SIGKILL");
    await waitFor("its end", () => !code.servers().includes(server));
    // Until then the status is still that of the one that has ended.
    await waitFor("the end to be noticed", async () => !READY.test(await code.status()));
  }
  await code.notification(/stopped 5 times in 3 minutes/);
  await code.waitForStatus(/^error infill: error$/);
  await code.picture("left-alone");
  await code.pressInNotification("Start Again");
  await code.waitForStatus(READY);
  await code.command("View: Focus Active Editor Group");
  await code.type(" a +");
  await code.suggestion();
}

/** A setting that names no program: the message names the setting, and a right one mends it without a reload. */
export async function noProgram(start: Start): Promise<void> {
  const machineSettings = { "infill-ls.server.path": "/nowhere/infill-ls" };
  const code = await start({
    files: { "add.py": PYTHON_ADD },
    machineSettings,
  });
  await code.notification(/infill-ls\.server\.path.*\/nowhere\/infill-ls/);
  await code.waitForStatus(/^error infill: error$/);
  await code.picture("error");
  code.writeMachineSettings({});
  await code.waitForStatus(READY);
}

/** A model that is not there: the status and a message say so. */
export async function noModel(start: Start): Promise<void> {
  const machineSettings = { "infill-ls.model": "/nowhere/model.gguf" };
  const code = await start({
    files: { "add.py": PYTHON_ADD },
    machineSettings,
  });
  await code.waitForStatus(/^error infill: error$/);
  await code.notification(/\/nowhere\/model\.gguf/);
  await code.picture("error");
}

/**
 * The first start of all: the model is fetched, with per cent in the status bar and a notification; stopped, it says so;
 * started again, it goes on; and then there is ghost text.
 */
export async function firstStart(start: Start): Promise<void> {
  const cache = scratch("first-start-cache");
  const code = await start({
    files: { "add.py": PYTHON_ADD },
    env: { INFILL_LS_CACHE: cache },
  });
  await code.openFile("add.py");
  await code.waitForStatus(/^loading infill: \d+ %$/);
  await code.notification(/(fetching part|downloading).* [1-9]\d* %/, 120_000);
  await code.picture("fetching");
  await code.pressInNotification("Cancel");
  await code.waitForStatus(/^debug-stop infill: stopped$/);
  await code.picture("stopped");
  await waitFor("the server to end", () => code.servers().length === 0);
  await code.chooseInMenu("Start the Server");
  await code.waitForStatus(/^loading infill: \d+ %$/);
  await code.waitForStatus(READY, 240_000);
  await code.goToEndOfLine(2);
  await code.type("    return a +");
  await code.suggestion();
  await code.picture("ready");
  await code.close();
  // The server may still be writing its last lines there.
  rmSync(cache, { recursive: true, maxRetries: 40, retryDelay: 100 });
}

/** The doctor and the statistics open as pages, and the list of models shows what is in use. */
export async function pages(start: Start): Promise<void> {
  const code = await start({ files: { "add.py": PYTHON_ADD }, height: 1200 });
  await code.typeAt("add.py", 2, "    return a");
  await code.suggestion();
  await code.command("infill-ls: Statistics");
  await waitFor("the statistics", async () => (await code.lines()).some((line) => /shown +[1-9]/.test(line)));
  await code.picture("statistics");
  await code.command("infill-ls: Doctor");
  await waitFor("the report", async () => (await code.lines()).some((line) => line.includes("kernels")), 60_000);
  await code.picture("doctor");
  await code.command("infill-ls: Choose a Model");
  await code.page
    .locator(".quick-input-list .monaco-list-row", {
      hasText: "in use, the default, on this machine",
    })
    // The doctor has measured.
    .filter({ hasText: /reads \d+, writes \d+ tokens\/s here/ })
    .waitFor();
  await code.picture("models");
  await code.press("Escape");
  await code.statusItem().click();
  await code.page.locator(".quick-input-list .monaco-list-row", { hasText: "Doctor" }).waitFor();
  await code.picture("menu");
  await code.press("Escape");
  await code.command("infill-ls: Show the Log");
  await code.page
    .locator(".output-view-content, .pane-body .monaco-editor", {
      hasText: "is ready",
    })
    .first()
    .waitFor();
  await code.picture("log");
}

/** The first steps open as a walkthrough; each step is looked at, and its button does what it says. */
export async function firstSteps(start: Start): Promise<void> {
  const code = await start({ files: { "add.py": PYTHON_ADD }, width: 1400, height: 700 });
  await code.waitForStatus(READY);
  await code.command("infill-ls: First Steps");
  await code.page.locator(".gettingStarted", { hasText: "When nothing appears" }).first().waitFor();
  const steps = {
    "The model comes by itself": "fetched once for all",
    "A function from its comment": "With the cursor on that comment",
    "When nothing appears": "the last request showed nothing",
    "Type, and press Tab": "accepts a word; the rest stays",
  };
  for (const [title, text] of Object.entries(steps)) {
    await code.page.locator(".gettingStarted .getting-started-step", { hasText: title }).first().click();
    const media = code.page.locator("iframe.webview").last().contentFrame().frameLocator("#active-frame");
    await media.getByText(text).first().waitFor();
    await code.picture(title.toLowerCase().replaceAll(/[^a-z]+/g, "-"));
  }
  await code.page.locator(".gettingStarted .button-container:visible", { hasText: "Try It in a New File" }).click();
  await code.page.locator(".statusbar-item", { hasText: "Ln 9, Col 11" }).waitFor();
  await code.typeUntilSuggestion(" 2 * (");
  await code.picture("tried");
}

/** Every reason for a silence that the server has: the item says its word, and its tooltip its sentence. */
export async function everySilence(start: Start): Promise<void> {
  const reasons = silences();
  const says = reasons.map((silence) => [{ method: "infill/status", params: { state: "silent", ...silence } }]);
  const code = await start({
    files: { "add.py": PYTHON_ADD },
    machineSettings: { "infill-ls.server.path": scriptedServer("notifying.ts", JSON.stringify(says)) },
  });
  await code.openFile("add.py");
  await code.waitForStatus(READY);
  await code.goToEndOfLine(3);
  for (const { reason, message } of reasons) {
    await code.type("x");
    const quiet = ["cancelled", "overtaken"].includes(reason);
    await code.waitForStatus(quiet ? /^sparkle infill$/ : new RegExp(`^circle-slash infill: ${reason}$`));
    await waitFor(`the sentence ${message}`, async () => (await code.statusSentence()).includes(message));
  }
  console.log(`${reasons.length} reasons: ${reasons.map(({ reason }) => reason).join(", ")}`);
  await code.picture("last");
}
