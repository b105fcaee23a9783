// Which server program is run: the setting's, the package's, or the one on PATH.

import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { NoBinary, findBinary } from "../src/binary.ts";

const NAME = process.platform === "win32" ? "infill-ls.exe" : "infill-ls";

let root = "";
const before = { ...process.env };

/** Makes a program in a folder and returns its path. */
function program(folder: string, mode = 0o755): string {
  mkdirSync(join(root, folder), { recursive: true });
  const path = join(root, folder, NAME);
  writeFileSync(path, "");
  chmodSync(path, mode);
  return path;
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "infill-ls-"));
  process.env.PATH = join(root, "path");
  process.env.CARGO_HOME = join(root, "cargo");
});

afterEach(() => {
  rmSync(root, { recursive: true });
  process.env = { ...before };
});

test("the setting wins over the package, and the package over PATH", async () => {
  const [named, packaged, onPath] = [program("named"), program("extension/server"), program("path")];
  const extension = join(root, "extension");
  assert.deepEqual(await findBinary(named, extension), { path: named, from: "setting" });
  assert.deepEqual(await findBinary("", extension), { path: packaged, from: "package" });
  assert.deepEqual(await findBinary("", join(root, "empty")), { path: onPath, from: "PATH" });
});

test("what cargo installed is found where PATH does not name it", async () => {
  const installed = program("cargo/bin");
  assert.deepEqual(await findBinary(" ", root), { path: installed, from: "PATH" });
});

test("a package that was unpacked without permissions is mended", { skip: process.platform === "win32" }, async () => {
  const packaged = program("extension/server", 0o644);
  assert.deepEqual(await findBinary("", join(root, "extension")), { path: packaged, from: "package" });
  // Found by the setting means that it can be run.
  assert.deepEqual(await findBinary(packaged, root), { path: packaged, from: "setting" });
});

test("what cannot be run is refused, with what to do", async () => {
  const refused = (setting: string, words: RegExp) =>
    assert.rejects(findBinary(setting, root), (error: Error) => error instanceof NoBinary && words.test(error.message));
  await refused(join(root, "nothing"), /`infill-ls\.server\.path` names .*nothing/);
  await refused("bin/infill-ls", /must be an absolute path/);
  await refused("", /cargo install --path \./);
});
