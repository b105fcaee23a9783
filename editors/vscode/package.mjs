// Makes the .vsix of one platform: node package.mjs [--target linux-x64] [--binary PATH] [--out FILE]
// Without a target it is this machine's; without a binary it is the release build of this clone, for the target if there
// is one. "--binary none" makes a small package for every platform, which finds the server on PATH.
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { licences } from "./licences.mjs";

const here = import.meta.dirname;
const require = createRequire(import.meta.url);
const { values } = parseArgs({
  options: { target: { type: "string" }, binary: { type: "string" }, out: { type: "string" } },
});
const target = values.target ?? `${process.platform}-${process.arch}`;
const program = target.startsWith("win32") ? "infill-ls.exe" : "infill-ls";
const targetDirectory = process.env.CARGO_TARGET_DIR ?? join(here, "../../target");
const binary = resolve(values.binary ?? join(targetDirectory, "release", program));
const universal = values.binary === "none";

rmSync(join(here, "server"), { recursive: true, force: true });
if (!universal) {
  if (!existsSync(binary)) {
    throw new Error(`${binary} is not there: build it with \`cargo build --release\`, or say --binary none`);
  }
  mkdirSync(join(here, "server"));
  copyFileSync(binary, join(here, "server", program));
  chmodSync(join(here, "server", program), 0o755);
}
execFileSync(process.execPath, ["build.mjs"], { cwd: here, stdio: "inherit" });
writeFileSync(join(here, "THIRD-PARTY.txt"), await licences(here, join(here, "../.."), universal ? undefined : target));

const { version } = JSON.parse(readFileSync(join(here, "package.json"), "utf8"));
const out = resolve(values.out ?? join(here, `infill-ls-${version}-${universal ? "universal" : target}.vsix`));
mkdirSync(dirname(out), { recursive: true });
// The bundle holds what it needs, so npm's dependencies stay out; and there is no public repository to link to.
const flags = ["--no-dependencies", "--allow-missing-repository", "--no-rewrite-relative-links", "--out", out];
execFileSync(
  process.execPath,
  [require.resolve("@vscode/vsce/vsce"), "package", ...(universal ? [] : ["--target", target]), ...flags],
  { cwd: here, stdio: "inherit" },
);
console.log(`${out}: ${(statSync(out).size / 1e6).toFixed(1)} MB`);
