// Collects the licences of everything in a package: of the npm packages in the bundle, and of the crates in the server.
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";

const METADATA = ["metadata", "--format-version", "1", "--locked"];

const LICENCE_FILE = /^(licen[cs]e|copying|notice|unlicense)/i;

/** Returns the folders of the npm packages whose code is in the bundle, from esbuild's own account of it. */
async function bundledFolders(root) {
  const { metafile } = await build({
    entryPoints: [join(root, "src/extension.ts")],
    bundle: true,
    platform: "node",
    external: ["vscode"],
    metafile: true,
    write: false,
    logLevel: "error",
    absWorkingDir: root,
  });
  const folders = Object.keys(metafile.inputs).map((input) => /^node_modules\/(@[^/]+\/)?[^/]+/.exec(input)?.[0]);
  return [...new Set(folders.filter((folder) => folder !== undefined))].map((folder) => join(root, folder));
}

async function npmPackages(root) {
  return (await bundledFolders(root)).map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    return { name, version, licence: license, folder };
  });
}

/** What Rust calls the platforms of VS Code. */
const TRIPLES = {
  "linux-x64": "x86_64-unknown-linux-gnu",
  "linux-arm64": "aarch64-unknown-linux-gnu",
  "darwin-x64": "x86_64-apple-darwin",
  "darwin-arm64": "aarch64-apple-darwin",
  "win32-x64": "x86_64-pc-windows-msvc",
  "win32-arm64": "aarch64-pc-windows-msvc",
};

/** Returns the crates that the server is made of: what is reached without development and build dependencies. */
function crates(repository, target) {
  const triple = TRIPLES[target];
  if (triple === undefined) {
    throw new Error(`${target} is none of ${Object.keys(TRIPLES).join(", ")}`);
  }
  const metadata = JSON.parse(
    execFileSync(
      "cargo",
      [...METADATA, "--filter-platform", triple, "--manifest-path", join(repository, "Cargo.toml")],
      {
        encoding: "utf8",
        maxBuffer: 256 * 1024 * 1024,
      },
    ),
  );
  const nodes = new Map(metadata.resolve.nodes.map((node) => [node.id, node]));
  const reached = new Set([metadata.resolve.root]);
  // A set grows while it is walked, and the walk goes on to what was added.
  for (const id of reached) {
    for (const { pkg, dep_kinds: kinds } of nodes.get(id).deps) {
      if (kinds.some(({ kind }) => kind === null)) {
        reached.add(pkg);
      }
    }
  }
  reached.delete(metadata.resolve.root);
  return metadata.packages
    .filter(({ id }) => reached.has(id))
    .map(({ name, version, license, manifest_path: manifest }) => ({
      name,
      version,
      licence: license,
      folder: dirname(manifest),
    }));
}

/**
 * Returns one text: each package with its licence, and each licence text once, under the packages that it comes with.
 * Without a target there is no server in the package.
 */
export async function licences(root, repository, target) {
  const packages = [...(await npmPackages(root)), ...(target === undefined ? [] : crates(repository, target))];
  const texts = new Map();
  for (const { name, version, folder } of packages) {
    for (const file of readdirSync(folder).filter((entry) => LICENCE_FILE.test(entry) && !entry.includes("third"))) {
      const text = read(join(folder, file));
      texts.set(text, [...(texts.get(text) ?? []), `${name} ${version}`]);
    }
  }
  const list = packages.map(({ name, version, licence }) => `${name} ${version}: ${licence}`).sort();
  const sections = [...texts].map(([text, names]) => `${[...new Set(names)].join(", ")}\n\n${text}`);
  return [`What this package is made of, and its licences.\n\n${list.join("\n")}\n`, ...sections].join(
    `\n${"-".repeat(80)}\n\n`,
  );
}

/** Reads a licence; some crates keep them in a folder of that name. */
function read(path) {
  try {
    return `${readFileSync(path, "utf8").replaceAll("\r\n", "\n").trim()}\n`;
  } catch {
    return readdirSync(path)
      .map((file) => read(join(path, file)))
      .join("\n");
  }
}
