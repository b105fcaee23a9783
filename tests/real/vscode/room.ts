// Where things are, and waiting: what everything beside this needs.

import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";

/** The clone that this is in. */
export const REPOSITORY = resolve(import.meta.dirname, "../../..");
const REAL = process.env.INFILL_LS_REAL_DIR ?? join(REPOSITORY, "target/real");
/** What tests/real/setup-vscode installed: node, code-server, playwright-core. */
export const TOOLS = join(REAL, "vscode");
export const PICTURES = join(REAL, "pictures");

/** A test that did not see what a user should see. */
export class Failure extends Error {}

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

/** Returns a folder for what a test leaves beside its window. */
export function scratch(name: string): string {
  const folder = join(TOOLS, "work", name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Returns the server program that the installed extension holds. */
export function serverBinary(): string {
  const [extension = ""] = readdirSync(join(TOOLS, "extensions")).filter((name) => name.startsWith("infill-ls."));
  return join(TOOLS, "extensions", extension, "server/infill-ls");
}

/** Returns a file's text, or nothing where there is none (any more). */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
