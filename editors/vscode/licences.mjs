// Collects the licences of everything in a package: of the npm packages in the bundle, and of the crates in the server.
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";

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

/** Returns the crates that the server is made of: what is reached without development and build dependencies. */
function crates(repository) {
  const metadata = JSON.parse(
    execFileSync(
      "cargo",
      ["metadata", "--format-version", "1", "--locked", "--manifest-path", join(repository, "Cargo.toml")],
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

/** Returns one text: each package with its licence, and each licence text once, under the packages that it comes with. */
export async function licences(root, repository, withServer) {
  const packages = [...(await npmPackages(root)), ...(withServer ? crates(repository) : [])];
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
