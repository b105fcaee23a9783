// VS Code in a real browser: code-server with the extension, Chromium, and what a user does and sees there.
// Not a test: the tests are in the files beside this.

import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer, type AddressInfo } from "node:net";
import { dirname, join, resolve } from "node:path";
import type { Browser, Page } from "playwright-core";

const REPOSITORY = resolve(import.meta.dirname, "../../..");
const REAL = process.env.INFILL_LS_REAL_DIR ?? join(REPOSITORY, "target/real");
/** What tests/real/setup installed: node, code-server, playwright-core. */
const TOOLS = join(REAL, "vscode");
const PICTURES = join(REAL, "pictures");
const CODE_SERVER = join(TOOLS, "node_modules/code-server/out/node/entry.js");

const { chromium } = createRequire(join(TOOLS, "package.json"))("playwright-core") as typeof import("playwright-core");

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
  /** Environment of code-server, and so of the extension and the server. */
  env?: Record<string, string>;
  /** A file of the folder to open instead of the folder, such as a workspace of several folders. */
  workspace?: string;
}

/** Settings that keep out of the pictures what is not ours. */
const QUIET = {
  "workbench.startupEditor": "none",
  "workbench.colorTheme": "Default Dark Modern",
  "workbench.tips.enabled": false,
  "workbench.secondarySideBar.defaultVisibility": "hidden",
  "security.workspace.trust.enabled": false,
  "telemetry.telemetryLevel": "off",
  "chat.disableAIFeatures": true,
  "chat.commandCenter.enabled": false,
  "window.commandCenter": false,
  "editor.minimap.enabled": false,
  "editor.fontSize": 16,
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
    const work = join(TOOLS, "work", options.name);
    rmSync(work, { recursive: true, force: true });
    const folder = join(work, "project");
    mkdirSync(folder, { recursive: true });
    for (const [path, text] of Object.entries(options.files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const userData = join(work, "data");
    mkdirSync(join(userData, "User"), { recursive: true });
    writeFileSync(join(userData, "User/settings.json"), JSON.stringify({ ...QUIET, ...options.settings }));
    const port = await freePort();
    const log = createWriteStream(join(work, "code-server.log"));
    const server = spawn(process.execPath, codeServerArguments(work, port), {
      env: { ...process.env, HOME: work, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    server.stdout.pipe(log);
    server.stderr.pipe(log);
    const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
    const page = await browser.newPage({ viewport: { width: 1000, height: 620 } });
    const workbench = new Workbench({ page, folder, userData, options, browser, server });
    await workbench.open(port);
    return workbench;
  }

  private async open(port: number): Promise<void> {
    const { workspace } = this.options;
    const what = workspace === undefined ? `folder=${this.folder}` : `workspace=${join(this.folder, workspace)}`;
    const url = `http://127.0.0.1:${port}/?${what}`;
    await waitFor("code-server", async () => (await fetch(url).catch(() => undefined))?.ok, 60_000);
    await this.page.goto(url);
    await this.page.waitForSelector(".monaco-workbench .statusbar", { timeout: 60_000 });
  }

  /** Closes everything. */
  async close(): Promise<void> {
    await this.browser.close();
    this.server.kill();
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
    await this.press("Control+p");
    await this.page.waitForSelector(".quick-input-widget input", { state: "visible" });
    await this.type(name, 0);
    await this.page.waitForSelector(`.quick-input-list .monaco-list-row.focused [aria-label*="${name}"]`).catch(() => undefined);
    await this.press("Enter");
    await this.page.waitForSelector(`.tab.active[data-resource-name="${name}"]`);
    await this.page.waitForSelector(".monaco-editor.focused");
  }

  /** Runs a command by its title in the palette. */
  async command(title: string): Promise<void> {
    await this.press("F1");
    await this.page.waitForSelector(".quick-input-widget input", { state: "visible" });
    await this.page.fill(".quick-input-widget input", `>${title}`);
    const row = this.page.locator(".quick-input-list .monaco-list-row.focused");
    await waitFor(`the command ${title}`, async () => (await row.textContent())?.includes(title));
    await this.press("Enter");
  }

  /** Goes to the end of a line, counted from 1. */
  async goToEndOfLine(line: number): Promise<void> {
    await this.press("Control+g");
    await this.page.waitForSelector(".quick-input-widget input", { state: "visible" });
    await this.type(String(line), 0);
    await this.press("Enter");
    await this.page.waitForSelector(".quick-input-widget", { state: "hidden" });
    await this.press("End");
  }

  /** Returns the grey text on the screen, its lines put together. */
  async ghostText(): Promise<string> {
    return this.page.evaluate(() => {
      const within = document.querySelectorAll(".monaco-editor [class*=ghost-text-decoration]");
      const below = document.querySelectorAll(".monaco-editor .suggest-preview-additional-widget .suggest-preview-text");
      const text = (element: Element) => (element.textContent ?? "").replaceAll("\u00a0", " ").replaceAll("\u200b", "");
      return [[...within].map(text).join(""), ...[...below].map(text)].join("\n").trimEnd();
    });
  }

  /** Waits until there is grey text and returns it. */
  async suggestion(limit = 30_000): Promise<string> {
    return waitFor("ghost text", () => this.ghostText(), limit);
  }

  /** Returns the text of our item in the status bar, with the names of its signs. */
  async status(): Promise<string> {
    return this.page.evaluate(() => {
      const item = document.querySelector("#infill-ls\\.infill-ls\\.infill-ls, [id*='infill-ls'].statusbar-item");
      const signs = [...(item?.querySelectorAll(".codicon") ?? [])].map(
        (sign) => [...sign.classList].find((name) => name.startsWith("codicon-"))?.slice(8) ?? "",
      );
      return [...signs, item?.textContent?.trim() ?? ""].join(" ");
    });
  }

  /** Waits until our item in the status bar says this. */
  async waitForStatus(wanted: RegExp, limit = 60_000): Promise<string> {
    return waitFor(`the status ${wanted}`, async () => {
      const status = await this.status();
      return wanted.test(status) ? status : undefined;
    }, limit);
  }

  /** Saves the file in front and returns what is on the disk then. */
  async saved(name: string): Promise<string> {
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
