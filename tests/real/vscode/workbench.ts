// VS Code in a real browser: code-server with the extension, Chromium, and what a user does and sees there.
// Not a test: the tests are in the files beside this.

import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer, type AddressInfo } from "node:net";
import { dirname, join, resolve } from "node:path";
import type { Browser, Locator, Page } from "playwright-core";

export const REPOSITORY = resolve(import.meta.dirname, "../../..");
const REAL = process.env.INFILL_LS_REAL_DIR ?? join(REPOSITORY, "target/real");
/** What tests/real/setup installed: node, code-server, playwright-core. */
const TOOLS = join(REAL, "vscode");
const PICTURES = join(REAL, "pictures");
const CODE_SERVER = join(TOOLS, "node_modules/code-server/out/node/entry.js");

const { chromium } = createRequire(join(TOOLS, "package.json"))("playwright-core") as typeof import("playwright-core");

/** The item in the status bar when the server waits for a request. */
export const READY = /^(sparkle infill|circle-slash infill: [a-z-]+)$/;

/** A test that did not see what a user should see. */
export class Failure extends Error {}

/** How a workbench is started. */
export interface Options {
  /** The name of the test, for its folders and pictures. */
  name: string;
  /** Files of the folder that is opened, by their paths. */
  files: Record<string, string>;
  /** The user's settings, over those that keep the pictures quiet. */
  settings?: Record<string, unknown>;
  /** Settings of the machine that code-server runs on, which paths of programs belong to. */
  machineSettings?: Record<string, unknown>;
  /** Environment of code-server, and so of the extension and the server. */
  env?: Record<string, string>;
  /** The height of the window, where more lines than usual are to be seen. */
  height?: number;
  /** A file of the folder to open instead of the folder, such as a workspace of several folders. */
  workspace?: string;
}

/** Our item in the status bar. */
const STATUS_ITEM = ".statusbar-item[id*='infill-ls']";

/** Settings that keep out of the pictures what is not ours. */
const QUIET = {
  "workbench.startupEditor": "none",
  "workbench.colorTheme": "Default Dark Modern",
  "workbench.tips.enabled": false,
  "workbench.reduceMotion": "on",
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "security.workspace.trust.enabled": false,
  "telemetry.telemetryLevel": "off",
  "chat.disableAIFeatures": true,
  "chat.commandCenter.enabled": false,
  "window.commandCenter": false,
  "editor.minimap.enabled": false,
  "editor.fontSize": 16,
  "files.autoSave": "off",
  "update.mode": "none",
  "git.enabled": false,
  "git.openRepositoryInParentFolders": "never",
};

interface Parts {
  page: Page;
  folder: string;
  userData: string;
  options: Options;
  browser: Browser;
  server: ChildProcess;
}

/** Starts the workbench of a test. */
export type Start = (options: Omit<Options, "name">) => Promise<Workbench>;

/** A function of the page that returns the grey text: the part in the line, then the lines below. */
const GHOST_TEXT = `() => {
  const text = (element) => (element.textContent ?? "").replaceAll("\\u00a0", " ").replaceAll("\\u200b", "");
  const within = [...document.querySelectorAll(".monaco-editor [class*=ghost-text-decoration]")];
  const below = [...document.querySelectorAll(".monaco-editor .suggest-preview-text .view-line")];
  const top = (line) => parseFloat(line.style.top);
  below.sort((a, b) => top(a) - top(b));
  return [within.map(text).join(""), ...below.map(text)].join("\\n").trimEnd();
}`;

/** A running VS Code. */
export class Workbench {
  readonly page: Page;
  readonly folder: string;
  readonly userData: string;
  private readonly options: Options;
  private readonly browser: Browser;
  private readonly server: ChildProcess;
  private pictures = 0;

  // Written out, since Node runs TypeScript only as far as its types can be blanked out.
  private constructor(parts: Parts) {
    this.page = parts.page;
    this.folder = parts.folder;
    this.userData = parts.userData;
    this.options = parts.options;
    this.browser = parts.browser;
    this.server = parts.server;
  }

  static async start(options: Options): Promise<Workbench> {
    const work = scratch(options.name);
    const folder = join(work, "project");
    mkdirSync(folder, { recursive: true });
    for (const [path, text] of Object.entries(options.files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const userData = join(work, "data");
    const settings = {
      User: { ...QUIET, ...options.settings },
      Machine: options.machineSettings ?? {},
    };
    for (const [place, values] of Object.entries(settings)) {
      mkdirSync(join(userData, place), { recursive: true });
      writeFileSync(join(userData, place, "settings.json"), JSON.stringify(values));
    }
    const port = await freePort();
    const log = createWriteStream(join(work, "code-server.log"));
    const server = spawn(process.execPath, codeServerArguments(work, port), {
      env: { ...process.env, HOME: work, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    server.stdout.pipe(log);
    server.stderr.pipe(log);
    const browser = await chromium.launch({
      executablePath: "/usr/bin/chromium",
      args: ["--no-sandbox"],
    });
    const page = await browser.newPage({
      viewport: { width: 1000, height: options.height ?? 620 },
    });
    const workbench = new Workbench({
      page,
      folder,
      userData,
      options,
      browser,
      server,
    });
    await workbench.show(port);
    return workbench;
  }

  private async show(port: number): Promise<void> {
    const { workspace } = this.options;
    const what = workspace === undefined ? `folder=${this.folder}` : `workspace=${join(this.folder, workspace)}`;
    const url = `http://127.0.0.1:${port}/?${what}`;
    await waitFor("code-server", async () => (await fetch(url).catch(() => undefined))?.ok, 60_000);
    await this.page.goto(url);
    await this.page.waitForSelector(".monaco-workbench .statusbar", {
      timeout: 60_000,
    });
  }

  /** Closes everything. */
  async close(): Promise<void> {
    await this.browser.close();
    this.server.kill();
  }

  /** Returns everything that helps to find out why a test failed. */
  async describe(): Promise<string> {
    const log = serverLog(this.userData);
    return [
      `picture: ${await this.picture("failed")}`,
      `status: ${await this.status()}`,
      `grey text: ${JSON.stringify(await this.ghostText())}`,
      `lines:\n${(await this.lines()).join("\n")}`,
      `notifications: ${JSON.stringify(await this.notifications())}`,
      `log:\n${log}`,
    ].join("\n");
  }

  /** Keeps a picture of the window. */
  async picture(name: string): Promise<string> {
    this.pictures += 1;
    mkdirSync(PICTURES, { recursive: true });
    const path = join(PICTURES, `${this.options.name}-${this.pictures}-${name}.png`);
    await this.page.screenshot({ path });
    return path;
  }

  async press(...keys: string[]): Promise<void> {
    for (const key of keys) {
      await this.page.keyboard.press(key);
    }
  }

  /** Types as a person does, one key after the other. */
  async type(text: string, delay = 30): Promise<void> {
    await this.page.keyboard.type(text, { delay });
  }

  /** Opens a file of the folder by its name. */
  async openFile(name: string): Promise<void> {
    await this.open(name);
    await this.page.waitForSelector(".monaco-editor.focused");
  }

  /** Opens a notebook and goes into its first cell. */
  async openNotebook(name: string): Promise<void> {
    await this.open(name);
    await this.page.locator(".notebookOverlay .monaco-editor").first().click();
    await this.page.waitForSelector(".notebookOverlay .monaco-editor.focused");
  }

  private async open(name: string): Promise<void> {
    await this.press("Control+p");
    await this.page.waitForSelector(".quick-input-widget input", {
      state: "visible",
    });
    await this.type(name, 0);
    const row = this.page.locator(".quick-input-list .monaco-list-row.focused");
    await waitFor(`the file ${name}`, async () => (await row.allTextContents()).join().includes(name));
    await this.press("Enter");
    await this.page.waitForSelector(`.tab.active[data-resource-name="${name}"]`);
  }

  /** Opens the file, waits for the model, goes to the end of the line (from 1) and types. */
  async typeAt(name: string, line: number, text: string): Promise<void> {
    await this.openFile(name);
    await this.waitForStatus(READY);
    await this.goToEndOfLine(line);
    await this.type(text);
  }

  /** Returns the line of the file as it is on the screen, without grey text. */
  async line(number: number): Promise<string> {
    return (await this.lines())[number - 1] ?? "";
  }

  /** Returns the lines on the screen, without grey text. */
  async lines(): Promise<string[]> {
    return this.page.evaluate(() => {
      const lines = [...document.querySelectorAll<HTMLElement>(".editor-instance .view-line")];
      const top = (line: HTMLElement) => parseFloat(line.style.top);
      const words = (line: HTMLElement) =>
        [...line.querySelectorAll("span > span")].filter((word) => !word.className.includes("ghost-text"));
      return lines
        .sort((a, b) => top(a) - top(b))
        .map((line) =>
          words(line)
            .map((word) => word.textContent)
            .join("")
            .replaceAll("\u00a0", " "),
        );
    });
  }

  /** Waits until a line of the file (from 1) reads like this. */
  async expectLine(number: number, wanted: string): Promise<void> {
    let line = "";
    await waitFor(`line ${number} to be ${JSON.stringify(wanted)}`, async () => {
      line = await this.line(number);
      return line === wanted;
    }).catch((error: unknown) => {
      throw new Failure(`${String(error)}; it is ${JSON.stringify(line)}`);
    });
  }

  /** Returns the notifications on the screen. */
  async notifications(): Promise<string[]> {
    return this.page.locator(".notifications-toasts .notification-list-item").allInnerTexts();
  }

  /** Waits for a notification that says this. */
  async notification(wanted: RegExp, limit = 30_000): Promise<string> {
    return waitFor(
      `a notification ${wanted}`,
      async () => (await this.notifications()).find((text) => wanted.test(text)),
      limit,
    );
  }

  /** Presses a button of a notification. */
  async pressInNotification(label: string): Promise<void> {
    await this.page.locator(".notifications-toasts .monaco-button", { hasText: label }).first().click();
  }

  /** Returns the process ids of the servers that this VS Code has started. */
  servers(): number[] {
    const parents = new Map<number, number>();
    for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
      const stat = readText(`/proc/${name}/stat`);
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]));
    }
    const isOurs = (pid: number | undefined): boolean =>
      pid !== undefined && pid > 1 && (pid === this.server.pid || isOurs(parents.get(pid)));
    const isServer = (pid: number) => readText(`/proc/${pid}/cmdline`).includes("infill-ls\0serve");
    return [...parents.keys()].filter((pid) => isServer(pid) && isOurs(pid));
  }

  /** Runs a command by its title in the palette. */
  async command(title: string): Promise<void> {
    await this.press("F1");
    await this.page.waitForSelector(".quick-input-widget input", {
      state: "visible",
    });
    await this.page.fill(".quick-input-widget input", `>${title}`);
    const row = this.page.locator(".quick-input-list .monaco-list-row.focused");
    await waitFor(`the command ${title}`, async () => (await row.textContent())?.includes(title));
    await this.press("Enter");
  }

  /** Goes to the end of a line, counted from 1. */
  async goToEndOfLine(line: number): Promise<void> {
    await this.press("Control+g");
    await this.page.waitForSelector(".quick-input-widget input", {
      state: "visible",
    });
    await this.type(String(line), 0);
    await this.press("Enter");
    await this.page.waitForSelector(".quick-input-widget", { state: "hidden" });
    await this.press("End");
  }

  /** Returns the grey text on the screen, its lines put together. */
  async ghostText(): Promise<string> {
    return this.page.evaluate(`(${GHOST_TEXT})()`);
  }

  /** Waits until there is grey text and returns it. */
  async suggestion(limit = 30_000): Promise<string> {
    return waitFor("ghost text", () => this.ghostText(), limit);
  }

  /** Takes down what grey text is drawn from now on, frame by frame. */
  async watchGhostText(): Promise<void> {
    await this.page.evaluate(`(() => {
      const state = (window.infillSeen = { texts: [] });
      const text = ${GHOST_TEXT};
      const look = () => {
        const now = text();
        if (state.texts.at(-1) !== now) {
          state.texts.push(now);
        }
        requestAnimationFrame(look);
      };
      look();
    })()`);
  }

  /** Returns the different grey texts that were drawn, in order. */
  async seenGhostText(): Promise<string[]> {
    return this.page.evaluate("window.infillSeen.texts");
  }

  /** Returns our item in the status bar. */
  statusItem(): Locator {
    return this.page.locator(STATUS_ITEM);
  }

  /** Chooses an entry of the menu behind our item, by its label and perhaps its description. */
  async chooseInMenu(label: string, description = ""): Promise<void> {
    await this.statusItem().click();
    const rows = this.page.locator(".quick-input-list .monaco-list-row", {
      hasText: label,
    });
    await rows.filter({ hasText: description }).first().click();
  }

  /** Returns the user's settings as they are on the disk. */
  userSettings(): Record<string, unknown> {
    const text = readText(join(this.userData, "User/settings.json"));
    // VS Code may be writing.
    return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
  }

  /** Changes the machine's settings as an editor of the file would. */
  writeMachineSettings(values: Record<string, unknown>): void {
    writeFileSync(join(this.userData, "Machine/settings.json"), JSON.stringify(values));
  }

  /** Returns the text of our item in the status bar, with the names of its signs. */
  async status(): Promise<string> {
    return this.page.evaluate((selector) => {
      const item = document.querySelector(selector);
      const signs = [...(item?.querySelectorAll(".codicon") ?? [])].map(
        (sign) => [...sign.classList].find((name) => name.startsWith("codicon-"))?.slice(8) ?? "",
      );
      return [...signs, item?.textContent.trim() ?? ""].join(" ");
    }, STATUS_ITEM);
  }

  /** Waits until our item in the status bar says this. */
  async waitForStatus(wanted: RegExp, limit = 60_000): Promise<string> {
    return waitFor(
      `the status ${wanted}`,
      async () => {
        const status = await this.status();
        return wanted.test(status) ? status : undefined;
      },
      limit,
    );
  }

  /** Saves the file in front and returns what is on the disk then. */
  async saved(name: string): Promise<string> {
    await this.page.waitForSelector(".tab.active.dirty");
    await this.press("Control+s");
    await this.page.waitForSelector(".tab.active:not(.dirty)");
    return readFileSync(join(this.folder, name), "utf8");
  }
}

function codeServerArguments(work: string, port: number): string[] {
  return [
    CODE_SERVER,
    ...["--auth", "none", "--bind-addr", `127.0.0.1:${port}`, "--config", join(work, "config.yaml")],
    ...["--user-data-dir", join(work, "data"), "--extensions-dir", join(TOOLS, "extensions")],
    ...["--disable-telemetry", "--disable-update-check", "--disable-getting-started-override"],
  ];
}

/** Returns the server program that the installed extension holds. */
export function serverBinary(): string {
  const [extension = ""] = readdirSync(join(TOOLS, "extensions")).filter((name) => name.startsWith("infill-ls."));
  return join(TOOLS, "extensions", extension, "server/infill-ls");
}

/** Returns a folder for what a test leaves beside its window. */
export function scratch(name: string): string {
  const folder = join(TOOLS, "work", name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Returns the end of the extension's log. */
function serverLog(userData: string): string {
  const logs = join(userData, "logs");
  const paths = (readdirSync(logs, { recursive: true }) as string[]).filter((path) => path.endsWith("infill-ls.log"));
  return paths.map((path) => readFileSync(join(logs, path), "utf8").split("\n").slice(-30).join("\n")).join("\n");
}

/** Returns a file of /proc, or nothing where the process has just ended. */
function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Calls until something is returned, and fails after the limit in ms. */
export async function waitFor<T>(what: string, look: () => Promise<T> | T, limit = 30_000): Promise<NonNullable<T>> {
  const end = Date.now() + limit;
  for (;;) {
    const found = await look();
    if (found) {
      return found;
    }
    if (Date.now() > end) {
      throw new Failure(`waited ${limit / 1000} s for ${what}`);
    }
    await new Promise((resume) => setTimeout(resume, 20));
  }
}

function freePort(): Promise<number> {
  return new Promise((found) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => found(port));
    });
  });
}
