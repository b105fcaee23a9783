// Finds the server program: the one a setting names, the one in this package, or the one on PATH. Not about running it.

import { constants } from "node:fs";
import { access, chmod } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, isAbsolute, join } from "node:path";

/** Where a server program was found. */
export interface Binary {
  path: string;
  from: "setting" | "package" | "PATH";
}

/** There is no server program to run; the message says what to do. */
export class NoBinary extends Error {}

const NAME = process.platform === "win32" ? "infill-ls.exe" : "infill-ls";

/**
 * Returns the server program.
 *
 * @param setting what `infill-ls.server.path` says; empty is nothing
 * @param extensionPath the folder of this extension
 */
export async function findBinary(setting: string, extensionPath: string): Promise<Binary> {
  if (setting.trim() !== "") {
    return { path: await named(setting.trim()), from: "setting" };
  }
  const packaged = join(extensionPath, "server", NAME);
  if (await isThere(packaged)) {
    await makeExecutable(packaged);
    return { path: packaged, from: "package" };
  }
  const found = await onPath();
  if (found !== undefined) {
    return { path: found, from: "PATH" };
  }
  throw new NoBinary(
    "this package holds no infill-ls for your machine, and none is on PATH. Build one with `cargo install --path .` " +
      "in a clone of the repository, or name one in the setting `infill-ls.server.path`.",
  );
}

async function named(setting: string): Promise<string> {
  const path = setting.startsWith("~/") ? join(homedir(), setting.slice(2)) : setting;
  if (!isAbsolute(path)) {
    throw new NoBinary(`the setting \`infill-ls.server.path\` must be an absolute path, not \`${setting}\`.`);
  }
  if (!(await isExecutable(path))) {
    throw new NoBinary(`the setting \`infill-ls.server.path\` names ${path}, which is no program that can be run.`);
  }
  return path;
}

async function onPath(): Promise<string | undefined> {
  // Where `cargo install` puts programs: an editor started from a desktop often has a PATH without it.
  const cargo = join(process.env.CARGO_HOME ?? join(homedir(), ".cargo"), "bin");
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  for (const folder of [...folders, cargo]) {
    const path = join(folder, NAME);
    if (await isExecutable(path)) {
      return path;
    }
  }
  return undefined;
}

/** Some ways of unpacking a package lose the permission to run what is in it. */
async function makeExecutable(path: string): Promise<void> {
  if (await isExecutable(path)) {
    return;
  }
  try {
    await chmod(path, 0o755);
  } catch (error) {
    throw new NoBinary(`${path} may not be run, and that cannot be changed: ${String(error)}`);
  }
}

const isThere = (path: string) => passes(path, constants.F_OK);
const isExecutable = (path: string) => passes(path, constants.X_OK);

async function passes(path: string, mode: number): Promise<boolean> {
  try {
    await access(path, mode);
    return true;
  } catch {
    return false;
  }
}
